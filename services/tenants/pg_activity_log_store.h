#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "libs/base/clock.h"
#include "libs/tenancy/tenant_databases.h"
#include "libs/tenancy/tenant_directory.h"

namespace gatehouse::db {
class Database;
}

namespace gatehouse::tenants {

// A row of activity_log; an empty text is stored as NULL.
struct ActivityRow {
  std::string app_id;
  std::string tenant_id;
  std::string recipe_user_id;
  std::string primary_or_recipe_user_id;
  std::string event_type;
  std::string auth_principal;
  std::string identifier;
  int64_t created_at_ms;
};

// The audit logs of tenants' databases. Arguments outlive the store. Thread-safe.
class PgActivityLogStore {
 public:
  PgActivityLogStore(tenancy::TenantDatabases& databases, const Clock& clock)
      : databases_(databases), clock_(clock) {}

  // `anywhere` identifies the database.
  absl::Status Append(absl::Time deadline, const tenancy::Tenant& anywhere,
                      const std::vector<ActivityRow>& rows);

  // In each database, on one instance at a time: creates partitions that are due, drops those whose
  // time is over (activity_log_retention_days), and deletes older rows that are in no month's
  // partition, in small batches. Run daily.
  absl::Status CleanUp(absl::Time deadline, const tenancy::TenantDirectory& directory);

 private:
  // Creates partitions for current rows, unless this process has done so this month.
  absl::Status PrepareMonth(absl::Time deadline, const tenancy::Tenant& anywhere,
                            db::Database& database);

  tenancy::TenantDatabases& databases_;
  const Clock& clock_;
  std::mutex mutex_;
  std::map<std::string, int64_t> prepared_;  // by database id: the month, counted
};

}  // namespace gatehouse::tenants
