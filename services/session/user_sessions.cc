#include <map>
#include <set>
#include <utility>

#include "libs/base/status.h"
#include "libs/telemetry/log.h"
#include "libs/tenancy/ask_databases.h"
#include "services/session/session_service.h"

namespace gatehouse::session {

std::vector<tenancy::TenantPtr> SessionService::Storages(const tenancy::TenantPtr& tenant,
                                                         bool across_all_tenants) const {
  if (!across_all_tenants) return {tenant};
  const auto app = parts_.directory.FindApp(tenant->scope());
  if (!app.ok()) return {tenant};  // so new that this process does not know it yet
  return parts_.directory.OnePerDatabase(*app);
}

absl::Status SessionService::InStorages(
    rpc::CallContext& context, const tenancy::TenantPtr& tenant, bool across_all_tenants,
    const std::string& user_id, const std::string& home_tenant_id,
    absl::FunctionRef<absl::Status(const tenancy::Tenant&, absl::Time)> body) {
  ASSIGN_OR_RETURN(
      const std::vector<tenancy::TenantPtr> missing,
      tenancy::AskDatabases(
          Storages(tenant, across_all_tenants), context.deadline,
          [&](const tenancy::TenantPtr& storage, absl::Time deadline) -> absl::StatusOr<bool> {
            RETURN_IF_ERROR(body(*storage, deadline));
            return false;
          }));
  if (missing.empty()) return absl::OkStatus();
  std::string home = home_tenant_id;
  if (home.empty()) {
    const auto user = parts_.users.Resolve(context, *tenant, user_id);
    if (user.ok()) home = user->database_tenant_id;
  }
  const auto home_tenant = home.empty() ? absl::NotFoundError("nobody's")
                                        : TenantOfApp(context, tenant->scope(), home);
  if (!home_tenant.ok()) return tenancy::NeedsAll(missing);
  for (const tenancy::TenantPtr& one : missing) {
    if (one->database_id == (*home_tenant)->database_id) return tenancy::NeedsAll({one});
  }
  telemetry::Log(telemetry::LogLevel::kWarn, "sessions_elsewhere_not_asked",
                 {{"request_id", context.request_id}, {"tenant_id", missing.front()->tenant_id}});
  return absl::OkStatus();
}

absl::StatusOr<UserSessions> SessionService::WhoseSessions(rpc::CallContext& context,
                                                           const tenancy::Tenant& tenant,
                                                           const std::string& user_id,
                                                           bool across_all_tenants,
                                                           bool include_linked) {
  UserSessions whose;
  whose.user_ids.push_back(user_id);
  if (include_linked) {
    ASSIGN_OR_RETURN(UserIds user,
                     parts_.users.Resolve(context, tenant, user_id, /*include_linked=*/true));
    for (std::string& linked : user.linked_recipe_user_ids) {
      whose.user_ids.push_back(std::move(linked));
    }
  }
  if (!across_all_tenants) whose.tenant_id = tenant.tenant_id;
  whose.valid_at_ms = parts_.clock.NowMs();
  return whose;
}

absl::StatusOr<v1::ListUserSessionsResponse> SessionService::ListUserSessions(
    rpc::CallContext& context, const v1::ListUserSessionsRequest& request) {
  ASSIGN_OR_RETURN(const auto tenant, parts_.directory.Find(request.scope(), context.deadline));
  ASSIGN_OR_RETURN(const UserSessions whose,
                   WhoseSessions(context, *tenant, request.user_id(), request.across_all_tenants(),
                                 request.include_linked()));
  v1::ListUserSessionsResponse response;
  RETURN_IF_ERROR(InStorages(
      context, tenant, request.across_all_tenants(), request.user_id(), "",
      [&](const tenancy::Tenant& storage, absl::Time deadline) -> absl::Status {
        ASSIGN_OR_RETURN(std::vector<std::string> handles,
                         parts_.store.List(storage, whose, deadline));
        for (std::string& handle : handles) response.add_handles(std::move(handle));
        return absl::OkStatus();
      }));
  return response;
}

absl::StatusOr<v1::RevokeSessionsResponse> SessionService::RevokeSessions(
    rpc::CallContext& context, const v1::RevokeSessionsRequest& request) {
  RETURN_IF_ERROR(parts_.directory.FindApp(request.scope(), context.deadline).status());
  std::map<std::string, std::vector<std::string>> handles_by_tenant;
  for (const std::string& handle : request.handles()) {
    ASSIGN_OR_RETURN(const std::string tenant_id, TenantOfHandle(handle));
    handles_by_tenant[tenant_id].push_back(handle);
  }
  std::vector<std::pair<tenancy::TenantPtr, std::vector<std::string>>> work;
  for (auto& [tenant_id, handles] : handles_by_tenant) {
    ASSIGN_OR_RETURN(auto tenant, TenantOfApp(context, request.scope(), tenant_id));
    work.emplace_back(std::move(tenant), std::move(handles));
  }
  std::set<std::string> deleted;
  for (const auto& [tenant, handles] : work) {
    ASSIGN_OR_RETURN(const std::vector<std::string> of_tenant,
                     parts_.store.Delete(*tenant, handles, context.deadline));
    deleted.insert(of_tenant.begin(), of_tenant.end());
  }
  v1::RevokeSessionsResponse response;
  for (const std::string& handle : request.handles()) {
    if (deleted.contains(handle)) response.add_revoked_handles(handle);
  }
  return response;
}

absl::StatusOr<v1::RevokeUserSessionsResponse> SessionService::RevokeUserSessions(
    rpc::CallContext& context, const v1::RevokeUserSessionsRequest& request) {
  ASSIGN_OR_RETURN(const auto tenant, parts_.directory.Find(request.scope(), context.deadline));
  ASSIGN_OR_RETURN(const UserSessions whose,
                   WhoseSessions(context, *tenant, request.user_id(), request.across_all_tenants(),
                                 request.include_linked()));
  v1::RevokeUserSessionsResponse response;
  RETURN_IF_ERROR(InStorages(
      context, tenant, request.across_all_tenants(), request.user_id(), "",
      [&](const tenancy::Tenant& storage, absl::Time deadline) -> absl::Status {
        ASSIGN_OR_RETURN(std::vector<std::string> handles,
                         parts_.store.DeleteOfUsers(storage, whose, deadline));
        for (std::string& handle : handles) response.add_revoked_handles(std::move(handle));
        return absl::OkStatus();
      }));
  ASSIGN_OR_RETURN(const UserIds user, parts_.users.Resolve(context, *tenant, request.user_id()));
  parts_.users.NoteActivity(context, *tenant, user.supertokens_user_id);
  return response;
}

absl::StatusOr<v1::RemoveUserSessionsResponse> SessionService::RemoveUserSessions(
    rpc::CallContext& context, const v1::RemoveUserSessionsRequest& request) {
  const bool everywhere = !request.only_in_tenant();
  ASSIGN_OR_RETURN(const auto tenant,
                   everywhere ? parts_.directory.FindApp(request.scope(), context.deadline)
                              : parts_.directory.Find(request.scope(), context.deadline));
  UserSessions whose;
  whose.user_ids.assign(request.user_ids().begin(), request.user_ids().end());
  if (!everywhere) whose.tenant_id = tenant->tenant_id;
  v1::RemoveUserSessionsResponse response;
  // All are in one group, which is in one database.
  const std::string user_id = whose.user_ids.empty() ? "" : whose.user_ids.front();
  RETURN_IF_ERROR(InStorages(
      context, tenant, everywhere, user_id, request.home_tenant_id(),
      [&](const tenancy::Tenant& storage, absl::Time deadline) -> absl::Status {
        ASSIGN_OR_RETURN(const std::vector<std::string> handles,
                         parts_.store.DeleteOfUsers(storage, whose, deadline));
        if (!handles.empty()) response.set_existed(true);
        return absl::OkStatus();
      }));
  return response;
}

absl::StatusOr<v1::IsUserIdInUseResponse> SessionService::IsUserIdInUse(
    rpc::CallContext& context, const v1::IsUserIdInUseRequest& request) {
  ASSIGN_OR_RETURN(const auto app, parts_.directory.FindApp(request.scope(), context.deadline));
  UserSessions whose;
  whose.user_ids.push_back(request.user_id());
  whose.valid_at_ms = parts_.clock.NowMs();
  v1::IsUserIdInUseResponse response;
  ASSIGN_OR_RETURN(
      const std::vector<tenancy::TenantPtr> missing,
      tenancy::AskDatabases(
          Storages(app, /*across_all_tenants=*/true), context.deadline,
          [&](const tenancy::TenantPtr& storage, absl::Time deadline) -> absl::StatusOr<bool> {
            ASSIGN_OR_RETURN(const bool exists, parts_.store.Exists(*storage, whose, deadline));
            response.set_in_use(exists);
            return exists;
          }));
  RETURN_IF_ERROR(tenancy::NeedsAll(missing));
  return response;
}

}  // namespace gatehouse::session
