#pragma once

// What the tests of this service's stores and rules stand on: one database with a tenant in it.

#include <memory>
#include <string>

#include "libs/db/database.h"
#include "libs/tenancy/tenant_databases.h"
#include "services/users/request_scope.h"

namespace gatehouse::users {

// A fresh database with the public app and tenant, seen as a service sees it.
class TestTenant final : public tenancy::TenantDatabases {
 public:
  // Aborts when the database can't be made.
  explicit TestTenant(int pool_size = 4,
                      config::MigrationMode mode = config::MigrationMode::kMigrated);

  absl::StatusOr<db::Database*> Of(const tenancy::Tenant&) override { return database_.get(); }
  db::Database& Base() override { return *database_; }

  // The public tenant, or another one of the public app, which is made when first named.
  RequestScope Scope(const std::string& tenant_id = "public");
  // The first value of the first row; aborts when the statement fails.
  int64_t Count(const db::Statement& statement);

 private:
  std::unique_ptr<db::Database> database_;
  std::shared_ptr<const config::CoreConfig> config_;
};

}  // namespace gatehouse::users
