#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "gatehouse/session/v1/session_service.rpc.h"
#include "libs/activity/activity_log.h"
#include "libs/base/clock.h"
#include "libs/tenancy/tenant_directory.h"
#include "services/session/access_token.h"
#include "services/session/key_cache.h"
#include "services/session/master_keys.h"
#include "services/session/refresh_token.h"
#include "services/session/session_store.h"
#include "services/session/untold_rotations.h"
#include "services/session/user_directory.h"

namespace gatehouse::session {

// Sessions. A file each for create, verify, refresh and regenerate; session_data.cc and
// user_sessions.cc for the rest. Thread-safe: all state is in the store and in bounded caches.
//
// If a request mints tokens, everything that may fail (keys, users) comes before the store is
// changed, so that an error leaves the session unchanged; if the store may have rotated it all the
// same, the rotation is undone (untold_rotations.h).
class SessionService final : public v1::SessionService {
 public:
  // All must outlive this.
  struct Parts {
    tenancy::TenantDirectory& directory;
    SessionStore& store;
    KeyCache& keys;
    MasterKeys& master_keys;
    UserDirectory& users;
    UntoldRotations& untold;
    activity::ActivityLog& activities;
    const Clock& clock;
  };
  explicit SessionService(Parts parts) : parts_(parts) {}

  absl::StatusOr<v1::CreateSessionResponse> CreateSession(
      rpc::CallContext& context, const v1::CreateSessionRequest& request) override;
  absl::StatusOr<v1::VerifySessionResponse> VerifySession(
      rpc::CallContext& context, const v1::VerifySessionRequest& request) override;
  absl::StatusOr<v1::RefreshSessionResponse> RefreshSession(
      rpc::CallContext& context, const v1::RefreshSessionRequest& request) override;
  absl::StatusOr<v1::RegenerateSessionResponse> RegenerateSession(
      rpc::CallContext& context, const v1::RegenerateSessionRequest& request) override;
  absl::StatusOr<v1::GetSessionResponse> GetSession(rpc::CallContext& context,
                                                    const v1::GetSessionRequest& request) override;
  absl::StatusOr<v1::UpdateSessionResponse> UpdateSession(
      rpc::CallContext& context, const v1::UpdateSessionRequest& request) override;
  absl::StatusOr<v1::ListUserSessionsResponse> ListUserSessions(
      rpc::CallContext& context, const v1::ListUserSessionsRequest& request) override;
  absl::StatusOr<v1::RevokeSessionsResponse> RevokeSessions(
      rpc::CallContext& context, const v1::RevokeSessionsRequest& request) override;
  absl::StatusOr<v1::RevokeUserSessionsResponse> RevokeUserSessions(
      rpc::CallContext& context, const v1::RevokeUserSessionsRequest& request) override;
  absl::StatusOr<v1::GetHandshakeResponse> GetHandshake(
      rpc::CallContext& context, const v1::GetHandshakeRequest& request) override;
  absl::StatusOr<v1::RemoveUserSessionsResponse> RemoveUserSessions(
      rpc::CallContext& context, const v1::RemoveUserSessionsRequest& request) override;
  absl::StatusOr<v1::IsUserIdInUseResponse> IsUserIdInUse(
      rpc::CallContext& context, const v1::IsUserIdInUseRequest& request) override;

 private:
  struct Judged;
  struct Refreshing;

  // The tenant of the scope's app with this id.
  absl::StatusOr<tenancy::TenantPtr> TenantOfApp(rpc::CallContext& context,
                                                 const common::v1::Scope& scope,
                                                 std::string_view tenant_id) const;

  // Whether `token` belongs to the session's user: required of a token without the marks of a
  // session's own token to count as the session's.
  absl::StatusOr<bool> IsOfItsUser(rpc::CallContext& context, const tenancy::Tenant& tenant,
                                   const AccessToken& token, std::string_view session_user_id);

  absl::StatusOr<Judged> Judge(rpc::CallContext& context, const v1::VerifySessionRequest& request,
                               const tenancy::Tenant& app);
  absl::Status VerifyLazily(rpc::CallContext& context, const tenancy::Tenant& app,
                            const tenancy::Tenant& tenant, const AccessToken& token,
                            const std::optional<SessionRow>& row, const KeySet& keys,
                            v1::VerifySessionResponse& response);

  absl::Status RefreshLazily(rpc::CallContext& context, Refreshing& refreshing,
                             v1::RefreshSessionResponse& response);
  absl::Status RefreshEagerly(rpc::CallContext& context, Refreshing& refreshing,
                              v1::RefreshSessionResponse& response);
  absl::StatusOr<std::optional<ChangedSession>> Rotate(rpc::CallContext& context,
                                                       const Refreshing& refreshing,
                                                       int64_t grace_from_ms, bool first);
  absl::Status ReportReuse(rpc::CallContext& context, const Refreshing& refreshing,
                           const SessionRow& row, v1::RefreshSessionResponse& response);
  absl::Status Issue(rpc::CallContext& context, const Refreshing& refreshing,
                     std::string_view jwt_payload, bool use_static_key,
                     v1::RefreshSessionResponse& response);

  absl::StatusOr<UserSessions> WhoseSessions(rpc::CallContext& context,
                                             const tenancy::Tenant& tenant,
                                             const std::string& user_id, bool across_all_tenants,
                                             bool include_linked);
  // Runs `body` in each database that has sessions of the tenant, or of its whole app, and
  // continues when one does not answer. DEPENDENCY_DOWN at the end when sessions of `user_id` can
  // be in such a database: a user's are in the user's database, given by `home_tenant_id` if known;
  // those of an id without a user can be anywhere.
  absl::Status InStorages(
      rpc::CallContext& context, const tenancy::TenantPtr& tenant, bool across_all_tenants,
      const std::string& user_id, const std::string& home_tenant_id,
      absl::FunctionRef<absl::Status(const tenancy::Tenant& storage, absl::Time deadline)> body);
  // One tenant for each database that has sessions of the tenant, or of its whole app.
  std::vector<tenancy::TenantPtr> Storages(const tenancy::TenantPtr& tenant,
                                           bool across_all_tenants) const;

  Parts parts_;
};

}  // namespace gatehouse::session
