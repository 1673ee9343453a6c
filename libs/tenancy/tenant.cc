#include "libs/tenancy/tenant.h"

#include "libs/base/status.h"
#include "libs/base/strings.h"

namespace gatehouse::tenancy {
namespace {

constexpr std::string_view kPublic = "public";

bool Same(int64_t a, int64_t b) { return a == b || a == 0 || b == 0; }

}  // namespace

common::v1::Scope Tenant::scope() const {
  common::v1::Scope scope = MakeScope(connection_uri_domain, app_id, tenant_id);
  common::v1::Admission& admission = *scope.mutable_admission();
  admission.set_tenant_id(tenant_id);
  admission.set_app_incarnation(app_incarnation);
  admission.set_tenant_incarnation(record.incarnation());
  return scope;
}

std::string Tenant::name() const {
  return StrCat("(", connection_uri_domain, ", ", app_id, ", ", tenant_id, ")");
}

common::v1::Scope MakeScope(std::string_view connection_uri_domain, std::string_view app_id,
                            std::string_view tenant_id) {
  common::v1::Scope scope;
  scope.set_connection_uri_domain(std::string(connection_uri_domain));
  scope.set_app_id(std::string(app_id.empty() ? kPublic : app_id));
  scope.set_tenant_id(std::string(tenant_id.empty() ? kPublic : tenant_id));
  return scope;
}

absl::Status TenantNotFound(const common::v1::Scope& scope) {
  return MakeError(
      ErrorReason::kTenantNotFound,
      StrCat("AppId or tenantId not found => Tenant with the following "
             "connectionURIDomain, appId and tenantId combination not found: (",
             scope.connection_uri_domain(), ", ", scope.app_id(), ", ", scope.tenant_id(), ")"));
}

common::v1::Scope Admit(common::v1::Scope scope, const Tenant* app, const Tenant* tenant) {
  common::v1::Admission& admission = *scope.mutable_admission();
  admission.Clear();
  admission.set_tenant_id(scope.tenant_id());
  if (app != nullptr) admission.set_app_incarnation(app->record.incarnation());
  if (tenant != nullptr) admission.set_tenant_incarnation(tenant->record.incarnation());
  return scope;
}

bool WasSeen(const common::v1::Scope& scope, std::string_view tenant_id) {
  if (!scope.has_admission()) return true;
  const common::v1::Admission& admission = scope.admission();
  return admission.has_app_incarnation() &&
         (admission.has_tenant_incarnation() || tenant_id != admission.tenant_id());
}

bool WasSeen(const common::v1::Scope& scope, std::string_view tenant_id, int64_t app_incarnation,
             int64_t incarnation) {
  if (!WasSeen(scope, tenant_id)) return false;
  if (!scope.has_admission()) return true;
  const common::v1::Admission& admission = scope.admission();
  return Same(admission.app_incarnation(), app_incarnation) &&
         (tenant_id != admission.tenant_id() ||
          Same(admission.tenant_incarnation(), incarnation));
}

}  // namespace gatehouse::tenancy
