#include "libs/testing/test_tenants.h"

#include <cstdio>
#include <cstdlib>

#include "libs/base/strings.h"
#include "libs/testing/pg_test_server.h"

namespace gatehouse::testing {
namespace {

constexpr db::Statement kInsertApp = {
    "test_insert_app",
    "INSERT INTO {apps} (app_id, created_at_time) VALUES ($1, 1) ON CONFLICT DO NOTHING"};
constexpr db::Statement kInsertTenant = {
    "test_insert_tenant",
    "INSERT INTO {tenants} (app_id, tenant_id, created_at_time) VALUES ($1, $2, 1)"
    " ON CONFLICT DO NOTHING"};

void DieUnless(bool ok, const char* what) {
  if (ok) return;
  std::fprintf(stderr, "test tenants: %s\n", what);
  std::abort();
}

}  // namespace

common::v1::Scope ScopeOf(std::string_view app_id, std::string_view tenant_id) {
  common::v1::Scope scope;
  scope.set_app_id(std::string(app_id));
  scope.set_tenant_id(std::string(tenant_id));
  return scope;
}

TestTenants::TestTenants(db::Database& database, std::string_view base_config_json)
    : database_(database), base_config_json_(base_config_json) {
  gatehouse::tenants::v1::Tenant record;
  *record.mutable_scope() = ScopeOf("public");
  record.set_core_config_json("{}");
  record.set_created_at_ms(1);
  DieUnless(directory_.Apply(true, base_config_json_, {record}, {}).empty(), "base configuration");
  Add("public", "public");
}

tenancy::TenantPtr TestTenants::AddToDirectory(std::string_view app_id, std::string_view tenant_id,
                                               std::string_view core_config_json) {
  gatehouse::tenants::v1::Tenant record;
  *record.mutable_scope() = ScopeOf(app_id, tenant_id);
  record.set_core_config_json(std::string(core_config_json));
  record.set_created_at_ms(1);
  DieUnless(directory_.Apply(false, "", {record}, {}).empty(), "tenant configuration");
  auto tenant = directory_.Find(record.scope());
  DieUnless(tenant.ok(), "tenant is not in the directory");
  return *tenant;
}

tenancy::TenantPtr TestTenants::Add(std::string_view app_id, std::string_view tenant_id,
                                    std::string_view core_config_json) {
  AddRows(database_, app_id, tenant_id);
  return AddToDirectory(app_id, tenant_id, core_config_json);
}

tenancy::TenantPtr TestTenants::AddWithDatabase(std::string_view app_id, std::string_view tenant_id,
                                                db::Database& own) {
  AddRows(own, app_id, tenant_id);
  // Nothing connects to this name: it gives the tenant its own storage id.
  tenancy::TenantPtr tenant = AddToDirectory(
      app_id, tenant_id, StrCat("{\"postgresql_database_name\":\"", app_id, "_", tenant_id, "\"}"));
  DieUnless(!tenant->storage_id.empty(), "tenant has no storage id of its own");
  own_databases_[tenant->storage_id] = &own;
  return tenant;
}

absl::StatusOr<db::Database*> TestTenants::Of(const tenancy::Tenant& tenant) {
  const auto own = own_databases_.find(tenant.storage_id);
  return own == own_databases_.end() ? &database_ : own->second;
}

void TestTenants::AddRows(db::Database& database, std::string_view app_id,
                          std::string_view tenant_id) {
  DieUnless(database.Execute(Soon(), kInsertApp, {app_id}).ok(), "insert app");
  DieUnless(database.Execute(Soon(), kInsertTenant, {app_id, tenant_id}).ok(), "insert tenant");
}

}  // namespace gatehouse::testing
