#include "services/users/test_tenant.h"

#include <cstdio>
#include <cstdlib>

#include "libs/testing/pg_test_server.h"

namespace gatehouse::users {
namespace {

constexpr db::Statement kAddApp = {
    "test_add_app",
    "INSERT INTO {apps} (app_id, created_at_time) VALUES ($1, 0) ON CONFLICT DO NOTHING"};
constexpr db::Statement kAddTenant = {
    "test_add_tenant",
    "INSERT INTO {tenants} (app_id, tenant_id, created_at_time) VALUES ($1, $2, 0)"
    " ON CONFLICT DO NOTHING"};

template <typename T>
T OrDie(absl::StatusOr<T> value) {
  if (!value.ok()) {
    std::fprintf(stderr, "%s: %s\n", value.status().ToString().c_str(),
                 db::DatabaseCause(value.status()).c_str());
    std::abort();
  }
  return *std::move(value);
}

}  // namespace

TestTenant::TestTenant(int pool_size, config::MigrationMode mode)
    : database_(testing::TestPostgres::Shared().CreateDatabase(pool_size)) {
  config::BaseConfig base;
  base.test_mode = true;
  base.Set(config::Setting::kMigrationMode, std::string(config::MigrationModeName(mode)));
  config_ = OrDie(config::CoreConfig::Resolve(base));
  OrDie(database_->Execute(testing::Soon(), kAddApp, {"public"}));
}

RequestScope TestTenant::Scope(const std::string& tenant_id) {
  OrDie(database_->Execute(testing::Soon(), kAddTenant, {"public", tenant_id}));
  auto tenant = std::make_shared<tenancy::Tenant>();
  tenant->app_id = "public";
  tenant->tenant_id = tenant_id;
  tenant->config = config_;
  tenant->storage_id = "base";
  return {tenant, testing::Soon()};
}

int64_t TestTenant::Count(const db::Statement& statement) {
  return OrDie(database_->Execute(testing::Soon(), statement, {})).front().Int64(0);
}

}  // namespace gatehouse::users
