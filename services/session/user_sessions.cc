#include "services/session/user_sessions.h"

#include <map>
#include <set>
#include <utility>

#include "absl/functional/function_ref.h"
#include "libs/base/status.h"
#include "libs/telemetry/log.h"
#include "libs/tenancy/ask_databases.h"

namespace gatehouse::session {
namespace {

// One tenant for each database that has sessions of the tenant, or of its whole app.
std::vector<tenancy::TenantPtr> Storages(const SessionParts& parts,
                                         const tenancy::TenantPtr& tenant,
                                         bool across_all_tenants) {
  if (!across_all_tenants) return {tenant};
  const auto app = parts.directory.FindApp(tenant->scope());
  if (!app.ok()) return {tenant};  // so new that this process does not know it yet
  return parts.directory.OnePerDatabase(*app);
}

// Runs `body` in each database that has sessions of the tenant, or of its whole app, and continues
// when one does not answer. DEPENDENCY_DOWN at the end when sessions of `user_id` can be in such a
// database: a user's are in the user's database, given by `home_tenant_id` if known; those of an id
// without a user can be anywhere.
absl::Status InStorages(const SessionParts& parts, CallContext& context,
                        const tenancy::TenantPtr& tenant, bool across_all_tenants,
                        const std::string& user_id, const std::string& home_tenant_id,
                        absl::FunctionRef<absl::Status(const tenancy::Tenant&, absl::Time)> body) {
  ASSIGN_OR_RETURN(
      const std::vector<tenancy::TenantPtr> missing,
      tenancy::AskDatabases(
          Storages(parts, tenant, across_all_tenants), context.deadline,
          [&](const tenancy::TenantPtr& storage, absl::Time deadline) -> absl::StatusOr<bool> {
            RETURN_IF_ERROR(body(*storage, deadline));
            return false;
          }));
  if (missing.empty()) return absl::OkStatus();
  std::string home = home_tenant_id;
  if (home.empty()) {
    const auto user = parts.users.Resolve(context, *tenant, user_id);
    if (user.ok()) home = user->database_tenant_id;
  }
  const auto home_tenant = home.empty() ? absl::NotFoundError("nobody's")
                                        : TenantOfApp(parts, context, tenant->scope(), home);
  if (!home_tenant.ok()) return tenancy::NeedsAll(missing);
  for (const tenancy::TenantPtr& one : missing) {
    if (one->database_id == (*home_tenant)->database_id) return tenancy::NeedsAll({one});
  }
  telemetry::Log(telemetry::LogLevel::kWarn, "sessions_elsewhere_not_asked",
                 {{"request_id", context.request_id}, {"tenant_id", missing.front()->tenant_id}});
  return absl::OkStatus();
}

absl::StatusOr<UserSessions> WhoseSessions(const SessionParts& parts, CallContext& context,
                                           const tenancy::Tenant& tenant,
                                           const std::string& user_id, bool across_all_tenants,
                                           bool include_linked) {
  UserSessions whose;
  whose.user_ids.push_back(user_id);
  if (include_linked) {
    ASSIGN_OR_RETURN(UserIds user,
                     parts.users.Resolve(context, tenant, user_id, /*include_linked=*/true));
    for (std::string& linked : user.linked_recipe_user_ids) {
      whose.user_ids.push_back(std::move(linked));
    }
  }
  if (!across_all_tenants) whose.tenant_id = tenant.tenant_id;
  whose.valid_at_ms = parts.clock.NowMs();
  return whose;
}

}  // namespace

absl::StatusOr<v1::ListUserSessionsResponse> ListUserSessions(
    const SessionParts& parts, CallContext& context, const tenancy::TenantPtr& tenant,
    const v1::ListUserSessionsRequest& request) {
  ASSIGN_OR_RETURN(const UserSessions whose,
                   WhoseSessions(parts, context, *tenant, request.user_id(),
                                 request.across_all_tenants(), request.include_linked()));
  v1::ListUserSessionsResponse response;
  RETURN_IF_ERROR(
      InStorages(parts, context, tenant, request.across_all_tenants(), request.user_id(), "",
                 [&](const tenancy::Tenant& storage, absl::Time deadline) -> absl::Status {
                   ASSIGN_OR_RETURN(std::vector<std::string> handles,
                                    parts.store.List(storage, whose, deadline));
                   for (std::string& handle : handles) response.add_handles(std::move(handle));
                   return absl::OkStatus();
                 }));
  return response;
}

absl::StatusOr<v1::RevokeSessionsResponse> RevokeSessions(
    const SessionParts& parts, CallContext& context, const v1::RevokeSessionsRequest& request) {
  std::map<std::string, std::vector<std::string>> handles_by_tenant;
  for (const std::string& handle : request.handles()) {
    ASSIGN_OR_RETURN(const std::string tenant_id, TenantOfHandle(handle));
    handles_by_tenant[tenant_id].push_back(handle);
  }
  std::vector<std::pair<tenancy::TenantPtr, std::vector<std::string>>> work;
  for (auto& [tenant_id, handles] : handles_by_tenant) {
    ASSIGN_OR_RETURN(auto tenant, TenantOfApp(parts, context, request.scope(), tenant_id));
    work.emplace_back(std::move(tenant), std::move(handles));
  }
  std::set<std::string> deleted;
  for (const auto& [tenant, handles] : work) {
    ASSIGN_OR_RETURN(const std::vector<std::string> of_tenant,
                     parts.store.Delete(*tenant, handles, context.deadline));
    deleted.insert(of_tenant.begin(), of_tenant.end());
  }
  v1::RevokeSessionsResponse response;
  for (const std::string& handle : request.handles()) {
    if (deleted.contains(handle)) response.add_revoked_handles(handle);
  }
  return response;
}

absl::StatusOr<v1::RevokeUserSessionsResponse> RevokeUserSessions(
    const SessionParts& parts, CallContext& context, const tenancy::TenantPtr& tenant,
    const v1::RevokeUserSessionsRequest& request) {
  ASSIGN_OR_RETURN(const UserSessions whose,
                   WhoseSessions(parts, context, *tenant, request.user_id(),
                                 request.across_all_tenants(), request.include_linked()));
  v1::RevokeUserSessionsResponse response;
  RETURN_IF_ERROR(
      InStorages(parts, context, tenant, request.across_all_tenants(), request.user_id(), "",
                 [&](const tenancy::Tenant& storage, absl::Time deadline) -> absl::Status {
                   ASSIGN_OR_RETURN(std::vector<std::string> handles,
                                    parts.store.DeleteOfUsers(storage, whose, deadline));
                   for (std::string& handle : handles)
                     response.add_revoked_handles(std::move(handle));
                   return absl::OkStatus();
                 }));
  ASSIGN_OR_RETURN(const UserIds user, parts.users.Resolve(context, *tenant, request.user_id()));
  parts.users.NoteActivity(context, *tenant, user.supertokens_user_id);
  return response;
}

absl::StatusOr<common::v1::RemoveUsersResponse> RemoveUsers(
    const SessionParts& parts, CallContext& context, const tenancy::TenantPtr& app,
    const common::v1::RemoveUsersRequest& request) {
  UserSessions whose;
  whose.user_ids.assign(request.user_ids().begin(), request.user_ids().end());
  // All are in one group, which is in one database.
  const std::string user_id = whose.user_ids.empty() ? "" : whose.user_ids.front();
  RETURN_IF_ERROR(
      InStorages(parts, context, app, /*across_all_tenants=*/true, user_id,
                 request.home_tenant_id(),
                 [&](const tenancy::Tenant& storage, absl::Time deadline) -> absl::Status {
                   return parts.store.DeleteOfUsers(storage, whose, deadline).status();
                 }));
  return common::v1::RemoveUsersResponse();
}

absl::StatusOr<common::v1::RemoveUserFromTenantResponse> RemoveUserFromTenant(
    const SessionParts& parts, CallContext& context, const tenancy::Tenant& tenant,
    const common::v1::RemoveUserFromTenantRequest& request) {
  UserSessions whose;
  whose.user_ids.push_back(request.user_id());
  whose.tenant_id = tenant.tenant_id;
  ASSIGN_OR_RETURN(const std::vector<std::string> handles,
                   parts.store.DeleteOfUsers(tenant, whose, context.deadline));
  common::v1::RemoveUserFromTenantResponse response;
  response.set_existed(!handles.empty());
  return response;
}

absl::StatusOr<common::v1::IsUserIdInUseResponse> IsUserIdInUse(
    const SessionParts& parts, CallContext& context, const tenancy::TenantPtr& app,
    const common::v1::IsUserIdInUseRequest& request) {
  UserSessions whose;
  whose.user_ids.push_back(request.user_id());
  whose.valid_at_ms = parts.clock.NowMs();
  ASSIGN_OR_RETURN(
      const bool in_use,
      tenancy::AnyDatabase(Storages(parts, app, /*across_all_tenants=*/true), context.deadline,
                           [&](const tenancy::TenantPtr& storage, absl::Time deadline) {
                             return parts.store.Exists(*storage, whose, deadline);
                           }));
  common::v1::IsUserIdInUseResponse response;
  if (in_use) response.set_in_use_by("Session");
  return response;
}

}  // namespace gatehouse::session
