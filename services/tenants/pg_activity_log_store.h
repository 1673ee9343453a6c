#pragma once

#include <map>
#include <mutex>
#include <string>

#include "libs/base/clock.h"
#include "libs/tenancy/tenant_databases.h"
#include "services/tenants/activity_log_store.h"

namespace gatehouse::db {
class Database;
}

namespace gatehouse::tenants {

// ActivityLogStore over each tenant's own database. Arguments outlive it.
class PgActivityLogStore final : public ActivityLogStore {
 public:
  PgActivityLogStore(tenancy::TenantDatabases& databases, const Clock& clock)
      : databases_(databases), clock_(clock) {}

  absl::Status Append(absl::Time deadline, const tenancy::Tenant& anywhere,
                      const std::vector<ActivityRow>& rows) override;

  // In each database, on one instance at a time: creates partitions that are due, drops expired
  // ones, and deletes rows that are older than 31 days and in no month's partition, in small
  // batches. Run daily.
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
