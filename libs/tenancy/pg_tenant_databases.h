#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/config/db_settings.h"
#include "libs/db/database.h"
#include "libs/tenancy/tenant_databases.h"

namespace gatehouse::tenancy {

// The options for `settings`. The parts go into the options' fields; only JDBC attributes for
// encryption and the like go into `conninfo`. Bad input when the schema, the prefix or a table name
// is not a plain identifier.
absl::StatusOr<db::DatabaseOptions> MakeDatabaseOptions(const config::DbSettings& settings,
                                                        std::string application_name);

// The options of a tenant's own database: `base_options` with everything that `tenant` sets
// differently from `base`. So an embedded server's socket, and a service's role, apply to a tenant
// that only names its own schema. Another server gets the tenant's credentials and no others.
absl::StatusOr<db::DatabaseOptions> OverlayDatabaseOptions(const db::DatabaseOptions& base_options,
                                                           const config::DbSettings& base,
                                                           const config::DbSettings& tenant);

// TenantDatabases over real pools. A pool is created when first needed, and lives until no tenant
// leads to it any more; it holds no connection while unused. Thread-safe.
class PgTenantDatabases final : public TenantDatabases {
 public:
  // `base_settings` are those that the base database was made from.
  PgTenantDatabases(std::shared_ptr<db::Database> base, config::DbSettings base_settings);

  absl::StatusOr<db::Database*> Of(const Tenant& tenant) override;
  db::Database& Base() override { return *base_; }
  // Releases the pools of other storage ids: their idle connections are closed at once, those in
  // use when they are returned, and the pools themselves are destroyed when no request can refer to
  // them any more.
  void KeepOnly(const std::set<std::string>& storage_ids);

  struct OwnStats {
    int pools = 0;
    db::DatabaseStats sum;  // its totals count pools that are gone too
  };
  // Of the pools of tenants' own databases.
  OwnStats StatsOfTenants();
  // The pools that exist: the base one, and those of tenants' own databases that were ever used.
  std::vector<std::shared_ptr<db::Database>> Pools();

 private:
  const std::shared_ptr<db::Database> base_;
  const config::DbSettings base_settings_;
  std::mutex mutex_;
  struct Retired {
    std::shared_ptr<db::Database> database;
    absl::Time since;
  };
  std::map<std::string, std::shared_ptr<db::Database>> databases_;  // by storage id
  std::vector<Retired> retired_;                                    // the oldest first
  db::DatabaseStats gone_;                                          // totals of destroyed pools
};

}  // namespace gatehouse::tenancy
