#include "gateway/routes/app_checks.h"

#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/config/core_config.h"
#include "libs/tenancy/tenant_directory.h"

namespace gatehouse::gateway {

absl::Status RequireAppThenPublicTenant(const tenancy::TenantDirectory& tenants,
                                        ApiRequest& request) {
  RETURN_IF_ERROR(tenants.FindApp(request.scope, request.context.deadline).status());
  return request.RequirePublicTenant();
}

absl::Status RequirePublicTenantThenApp(const tenancy::TenantDirectory& tenants,
                                        ApiRequest& request) {
  RETURN_IF_ERROR(request.RequirePublicTenant());
  const absl::Status found = tenants.FindApp(request.scope, request.context.deadline).status();
  if (ReasonOf(found) != ErrorReason::kTenantNotFound) return found;
  return MakeError(
      ErrorReason::kTenantNotFound,
      StrCat("AppId or tenantId not found => App with the following "
             "connectionURIDomain and appId combination not found: (",
             request.scope.connection_uri_domain(), ", ", request.scope.app_id(), ")"));
}

bool KeepsProtectedSettingsFrom(const tenancy::TenantDirectory& tenants,
                                const ApiRequest& request) {
  const auto base = tenants.base_config();
  return base != nullptr && base->saas_secret() != nullptr && !request.has_saas_secret;
}

}  // namespace gatehouse::gateway
