#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "gatehouse/common/v1/scope.pb.h"
#include "gatehouse/tenants/v1/tenant.pb.h"
#include "libs/config/core_config.h"

namespace gatehouse::tenancy {

// One tenant with its whole configuration resolved. Immutable; shared between requests.
struct Tenant {
  std::string connection_uri_domain;
  std::string app_id;
  std::string tenant_id;
  std::shared_ptr<const config::CoreConfig> config;  // never null
  gatehouse::tenants::v1::Tenant record;             // as configured
  // That of the app's public tenant; record.incarnation() if this is it.
  int64_t app_incarnation = 0;
  // Identifies the connection pool for its rows: tenants with the same id share one. Empty: the
  // base one.
  std::string storage_id;
  // Identifies the database and schema of its rows, however it is reached: two pools may lead to
  // one database. Empty: the base one.
  std::string database_id;

  bool is_public() const { return tenant_id == "public"; }
  // Its names, stamped: the recipient finds this very tenant, or none.
  common::v1::Scope scope() const;
  // "(domain, app, tenant)", for messages to an operator.
  std::string name() const;
};
using TenantPtr = std::shared_ptr<const Tenant>;

// The text of kTenantNotFound for a scope.
absl::Status TenantNotFound(const common::v1::Scope& scope);

// A scope from its parts, without a stamp; empty app and tenant ids become "public".
common::v1::Scope MakeScope(std::string_view connection_uri_domain, std::string_view app_id,
                            std::string_view tenant_id);

// The names of `scope`, stamped with what existed when a request was checked: null for what did
// not.
common::v1::Scope Admit(common::v1::Scope scope, const Tenant* app, const Tenant* tenant);

// Whether the request's checks may have seen this tenant of the scope's app. True without a stamp.
bool WasSeen(const common::v1::Scope& scope, std::string_view tenant_id);
// Whether `incarnation` and `app_incarnation`, of the tenant and of its app's public tenant, are
// what the request's checks saw. True without a stamp.
bool WasSeen(const common::v1::Scope& scope, std::string_view tenant_id, int64_t app_incarnation,
             int64_t incarnation);

}  // namespace gatehouse::tenancy
