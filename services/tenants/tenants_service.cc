#include "services/tenants/tenants_service.h"

#include <algorithm>

#include "libs/base/json.h"
#include "libs/base/may_block.h"
#include "libs/base/problem.h"
#include "libs/base/status.h"
#include "libs/base/steady_time.h"
#include "libs/config/tenant_config_rules.h"
#include "libs/telemetry/log.h"
#include "services/tenants/tenant_rights.h"

namespace gatehouse::tenants {
namespace {

constexpr std::string_view kPublic = "public";

// How long a change's reply may wait for a process that does not confirm it.
constexpr absl::Duration kMaxConfirmation = absl::Seconds(1);

void HideProtected(v1::Tenant& tenant) {
  auto core_config = json::Parse(tenant.core_config_json());
  tenant.set_core_config_json(
      core_config.ok() ? json::Serialize(config::WithoutProtectedKeys(*core_config)) : "{}");
}

absl::Status CheckMayList(const common::v1::Scope& scope, v1::ListTenantsRequest::Range range) {
  const std::string& domain = scope.connection_uri_domain();
  switch (range) {
    case v1::ListTenantsRequest::RANGE_APP:
      return CheckMay(Action::kListTenants, scope,
                      tenancy::MakeScope(domain, scope.app_id(), kPublic));
    case v1::ListTenantsRequest::RANGE_CONNECTION_URI_DOMAIN:
      return CheckMay(Action::kListApps, scope, tenancy::MakeScope(domain, kPublic, kPublic));
    case v1::ListTenantsRequest::RANGE_ALL:
      return CheckMay(Action::kListAll, scope, tenancy::MakeScope("", kPublic, kPublic));
    default:
      return BadInput(Problem::kMissing, "range is not set", {{"field", "range"}});
  }
}

}  // namespace

void TenantsService::AwaitWatchers(const rpc::CallContext& context) {
  if (catalogue_.progress().Await(std::min(context.deadline, SteadyNow() + kMaxConfirmation))) {
    return;
  }
  telemetry::Log(telemetry::LogLevel::kWarn, "tenant_change_not_confirmed",
                 {{"request_id", context.request_id}});
}

absl::StatusOr<v1::UpsertTenantResponse> TenantsService::UpsertTenant(
    rpc::CallContext& context, const v1::UpsertTenantRequest& request) {
  RETURN_IF_ERROR(directory_.Find(request.scope(), context.deadline).status());
  v1::UpsertTenantResponse response;
  ASSIGN_OR_RETURN(const bool created, manager_.Upsert(context.deadline, request));
  AwaitWatchers(context);
  response.set_created_new(created);
  return response;
}

absl::StatusOr<v1::GetTenantResponse> TenantsService::GetTenant(
    rpc::CallContext& context, const v1::GetTenantRequest& request) {
  v1::GetTenantResponse response;
  const auto tenant = directory_.Find(request.scope(), context.deadline);
  if (ReasonOf(tenant.status()) == ErrorReason::kTenantNotFound) return response;
  RETURN_IF_ERROR(tenant.status());
  const auto is_it = [&](const std::shared_ptr<const v1::TenantWithProviders>& found) {
    return found != nullptr && found->tenant().incarnation() == (*tenant)->record.incarnation();
  };
  auto found = catalogue_.FindWithProviders(request.scope());
  // Another process may have just created it.
  if (!is_it(found)) {
    RETURN_IF_ERROR(manager_.Reload(context.deadline, request.scope()));
    found = catalogue_.FindWithProviders(request.scope());
  }
  if (is_it(found)) {
    *response.mutable_tenant() = *found;
    if (request.hide_protected()) HideProtected(*response.mutable_tenant()->mutable_tenant());
  }
  return response;
}

absl::StatusOr<v1::ListTenantsResponse> TenantsService::ListTenants(
    rpc::CallContext& context, const v1::ListTenantsRequest& request) {
  const common::v1::Scope& scope = request.scope();
  RETURN_IF_ERROR(directory_.Find(scope, context.deadline).status());
  RETURN_IF_ERROR(CheckMayList(scope, request.range()));
  PgTenantStore::Filter filter;
  if (request.range() != v1::ListTenantsRequest::RANGE_ALL) {
    filter.domain = scope.connection_uri_domain();
  }
  if (request.range() == v1::ListTenantsRequest::RANGE_APP) filter.app_id = scope.app_id();
  ASSIGN_OR_RETURN(auto tenants, store_.List(context.deadline, filter));
  v1::ListTenantsResponse response;
  for (v1::TenantWithProviders& tenant : tenants) {
    const v1::Tenant& record = tenant.tenant();
    // Only a public tenant may list: the app may have been created again since it was found.
    if (record.scope().connection_uri_domain() == scope.connection_uri_domain() &&
        record.scope().app_id() == scope.app_id() && record.scope().tenant_id() == kPublic &&
        !tenancy::WasSeen(scope, scope.tenant_id(), record.incarnation(), record.incarnation())) {
      return tenancy::TenantNotFound(scope);
    }
    if (request.hide_protected()) HideProtected(*tenant.mutable_tenant());
    *response.add_tenants() = std::move(tenant);
  }
  return response;
}

// Each removal checks the target's own name before the scope is looked up.
absl::StatusOr<v1::RemoveTenantResponse> TenantsService::RemoveTenant(
    rpc::CallContext& context, const v1::RemoveTenantRequest& request) {
  const common::v1::Scope& scope = request.scope();
  if (request.tenant_id() == kPublic) {
    return Forbidden(Problem::kNotPermitted,
                     "Cannot delete public tenant, use remove app API instead");
  }
  RETURN_IF_ERROR(directory_.Find(scope, context.deadline).status());
  const common::v1::Scope target =
      tenancy::MakeScope(scope.connection_uri_domain(), scope.app_id(), request.tenant_id());
  RETURN_IF_ERROR(CheckMay(Action::kRemove, scope, target));
  v1::RemoveTenantResponse response;
  ASSIGN_OR_RETURN(const bool existed, manager_.RemoveTenant(context.deadline, scope, target,
                                                             request.prevent_protected()));
  AwaitWatchers(context);
  response.set_did_exist(existed);
  return response;
}

absl::StatusOr<v1::RemoveAppResponse> TenantsService::RemoveApp(
    rpc::CallContext& context, const v1::RemoveAppRequest& request) {
  const common::v1::Scope& scope = request.scope();
  if (request.app_id() == kPublic) {
    return Forbidden(Problem::kNotPermitted,
                     "Cannot delete the public app, use remove connection uri domain API instead");
  }
  RETURN_IF_ERROR(directory_.Find(scope, context.deadline).status());
  const common::v1::Scope target =
      tenancy::MakeScope(scope.connection_uri_domain(), request.app_id(), kPublic);
  RETURN_IF_ERROR(CheckMay(Action::kRemove, scope, target));
  v1::RemoveAppResponse response;
  ASSIGN_OR_RETURN(const bool existed, manager_.RemoveApp(context.deadline, scope, target,
                                                          request.prevent_protected()));
  AwaitWatchers(context);
  response.set_did_exist(existed);
  return response;
}

absl::StatusOr<v1::RemoveConnectionUriDomainResponse> TenantsService::RemoveConnectionUriDomain(
    rpc::CallContext& context, const v1::RemoveConnectionUriDomainRequest& request) {
  const std::string& domain = request.connection_uri_domain();
  const absl::Status allowed =
      CheckMay(Action::kRemove, request.scope(), tenancy::MakeScope(domain, kPublic, kPublic));
  if (domain.empty()) return allowed;
  RETURN_IF_ERROR(directory_.Find(request.scope(), context.deadline).status());
  RETURN_IF_ERROR(allowed);
  v1::RemoveConnectionUriDomainResponse response;
  ASSIGN_OR_RETURN(const bool existed, manager_.RemoveDomain(context.deadline, request.scope(),
                                                             domain, request.prevent_protected()));
  AwaitWatchers(context);
  response.set_did_exist(existed);
  return response;
}

absl::StatusOr<v1::PutThirdPartyProviderResponse> TenantsService::PutThirdPartyProvider(
    rpc::CallContext& context, const v1::PutThirdPartyProviderRequest& request) {
  RETURN_IF_ERROR(directory_.Find(request.scope(), context.deadline).status());
  v1::PutThirdPartyProviderResponse response;
  ASSIGN_OR_RETURN(const bool created,
                   manager_.PutProvider(context.deadline, request.scope(), request.provider(),
                                        request.skip_validation()));
  response.set_created_new(created);
  return response;
}

absl::StatusOr<v1::RemoveThirdPartyProviderResponse> TenantsService::RemoveThirdPartyProvider(
    rpc::CallContext& context, const v1::RemoveThirdPartyProviderRequest& request) {
  RETURN_IF_ERROR(directory_.Find(request.scope(), context.deadline).status());
  v1::RemoveThirdPartyProviderResponse response;
  ASSIGN_OR_RETURN(const bool existed, manager_.RemoveProvider(context.deadline, request.scope(),
                                                               request.third_party_id()));
  response.set_did_exist(existed);
  return response;
}

absl::StatusOr<v1::CheckStorageResponse> TenantsService::CheckStorage(
    rpc::CallContext& context, const v1::CheckStorageRequest& request) {
  ASSIGN_OR_RETURN(const tenancy::TenantPtr tenant,
                   directory_.Find(request.scope(), context.deadline));
  const absl::Status status = storages_.Check(context.deadline, *tenant);
  if (IsWouldBlock(status)) return status;
  if (!status.ok()) {
    return MakeError(ErrorReason::kDependencyDown, "The database does not answer");
  }
  return v1::CheckStorageResponse();
}

}  // namespace gatehouse::tenants
