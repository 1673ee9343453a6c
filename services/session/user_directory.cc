#include "services/session/user_directory.h"

#include <algorithm>
#include <atomic>

#include "gatehouse/users/v1/registry_service.rpc.h"
#include "libs/base/elapsed.h"
#include "libs/base/status.h"
#include "libs/base/steady_time.h"
#include "libs/base/strings.h"

namespace gatehouse::session {
namespace {
constexpr int64_t kNoteIntervalMs = 5 * 60'000;  // the original's
constexpr int64_t kRetryMs = 30'000;
constexpr size_t kMaxNotedUsers = 50'000;  // some 250 bytes each
// The request is done but for this.
constexpr absl::Duration kNoteTime = absl::Seconds(1);
}  // namespace

struct UserDirectory::LastNote {
  std::atomic<int64_t> at_ms = 0;
};

UserDirectory::UserDirectory(users::v1::RegistryService& registry,
                             const tenancy::TenantDirectory& tenants, const Clock& clock,
                             bool test_mode)
    : registry_(registry),
      tenants_(tenants),
      clock_(clock),
      test_mode_(test_mode),
      noted_(kMaxNotedUsers) {}

UserDirectory::~UserDirectory() = default;

bool UserDirectory::AreWith(const tenancy::Tenant& tenant) const {
  return tenants_.HasOneDatabase(tenant);
}

absl::StatusOr<UserIds> UserDirectory::Resolve(CallContext& context, const tenancy::Tenant& tenant,
                                               std::string_view user_id, bool include_linked) {
  users::v1::ResolveUserIdsRequest request;
  *request.mutable_scope() = tenant.scope();
  request.add_user_ids(std::string(user_id));
  request.set_include_linked(include_linked);
  request.set_elsewhere_if_possible(true);
  ASSIGN_OR_RETURN(const auto response, registry_.ResolveUserIds(context, request));
  if (response.users_size() != 1 || !response.users(0).found()) {
    return UserIds::OfNobody(std::string(user_id));
  }
  const users::v1::ResolvedUser& user = response.users(0);
  UserIds ids;
  ids.recipe_user_id = user.recipe_user_id();
  ids.user_id = user.primary_user_id();
  ids.supertokens_user_id = user.supertokens_user_id();
  ids.primary_supertokens_user_id = user.primary_supertokens_user_id();
  ids.database_tenant_id = user.database_tenant_id();
  for (const std::string& linked : user.linked_recipe_user_ids()) {
    if (linked != ids.recipe_user_id) ids.linked_recipe_user_ids.push_back(linked);
  }
  return ids;
}

void UserDirectory::NoteActivity(CallContext& context, const tenancy::Tenant& tenant,
                                 const std::string& supertokens_user_id) {
  const auto last =
      noted_.FindOrMake(StrCat(tenant.connection_uri_domain, "~", tenant.app_id, "~",
                               std::to_string(tenant.app_incarnation), "~", supertokens_user_id),
                        [] { return std::make_shared<LastNote>(); });
  const int64_t now_ms = clock_.NowMs();
  if (!test_mode_ && !Elapsed(last->at_ms, now_ms, kNoteIntervalMs)) return;
  last->at_ms = now_ms;
  users::v1::RecordActivityRequest request;
  *request.mutable_scope() = tenant.scope();
  request.set_supertokens_user_id(supertokens_user_id);
  CallContext note = context;
  note.deadline = std::min(context.deadline, SteadyNow() + kNoteTime);
  if (!registry_.RecordActivity(note, request).ok()) {
    last->at_ms = now_ms - kNoteIntervalMs + kRetryMs;
  }
}

}  // namespace gatehouse::session
