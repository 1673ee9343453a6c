#include "services/oauth/session_activity.h"

#include <atomic>

#include "gatehouse/session/v1/session_service.rpc.h"
#include "gatehouse/users/v1/registry_service.rpc.h"
#include "libs/base/elapsed.h"
#include "libs/base/strings.h"

namespace gatehouse::oauth {
namespace {
constexpr int64_t kNoteIntervalMs = 5 * 60'000;  // the original's
constexpr size_t kMaxNotedSessions = 50'000;     // some 250 bytes each
}  // namespace

struct SessionActivity::LastNote {
  std::atomic<int64_t> at_ms = 0;
};

SessionActivity::SessionActivity(session::v1::SessionService& sessions,
                                 users::v1::RegistryService& registry, const Clock& clock,
                                 bool test_mode)
    : sessions_(sessions),
      registry_(registry),
      clock_(clock),
      test_mode_(test_mode),
      noted_(kMaxNotedSessions) {}

SessionActivity::~SessionActivity() = default;

void SessionActivity::Note(CallContext& context, const tenancy::Tenant& app,
                           const std::string& session_handle) {
  if (session_handle.empty()) return;
  const auto last =
      noted_.FindOrMake(StrCat(app.connection_uri_domain, "~", app.app_id, "~",
                               std::to_string(app.app_incarnation), "~", session_handle),
                        [] { return std::make_shared<LastNote>(); });
  const int64_t now_ms = clock_.NowMs();
  if (!test_mode_ && !Elapsed(last->at_ms, now_ms, kNoteIntervalMs)) return;
  last->at_ms = now_ms;
  session::v1::GetSessionRequest look;
  *look.mutable_scope() = app.scope();
  look.set_handle(session_handle);
  const auto found = sessions_.GetSession(context, look);
  if (!found.ok() || !found->has_session()) return;
  users::v1::ResolveUserIdsRequest resolve;
  *resolve.mutable_scope() = app.scope();
  resolve.add_user_ids(found->session().user_id());
  resolve.set_elsewhere_if_possible(true);
  const auto ids = registry_.ResolveUserIds(context, resolve);
  if (!ids.ok() || ids->users_size() != 1 || !ids->users(0).found()) return;
  users::v1::RecordActivityRequest record;
  *record.mutable_scope() = app.scope();
  record.set_supertokens_user_id(ids->users(0).supertokens_user_id());
  if (!registry_.RecordActivity(context, record).ok()) last->at_ms = 0;
}

}  // namespace gatehouse::oauth
