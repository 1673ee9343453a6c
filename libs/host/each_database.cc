#include "libs/host/each_database.h"

#include <string>
#include <unordered_set>

#include "libs/host/job_scheduler.h"
#include "libs/tenancy/tenant_databases.h"
#include "libs/tenancy/tenant_directory.h"

namespace gatehouse::host {

absl::Status InEachDatabase(
    const tenancy::TenantDirectory& directory, tenancy::TenantDatabases& databases,
    absl::FunctionRef<absl::Status(db::Database&, const tenancy::Tenant& first)> body) {
  std::unordered_set<std::string> done;
  absl::Status result;
  for (const tenancy::TenantPtr& tenant : directory.All()) {
    if (!done.insert(tenant->database_id).second) continue;
    const absl::StatusOr<db::Database*> database = databases.Of(*tenant);
    result.Update(database.ok() ? body(**database, *tenant) : database.status());
  }
  return result;
}

absl::Status CleanUpDatabases(const tenancy::TenantDirectory& directory,
                              tenancy::TenantDatabases& databases, const std::string& name,
                              absl::Time deadline,
                              absl::FunctionRef<absl::StatusOr<bool>(db::Transaction&)> batch) {
  return InEachDatabase(directory, databases, [&](db::Database& database, const tenancy::Tenant&) {
    return RunExclusively(database, deadline, name, batch);
  });
}

absl::Status CleanUpTenants(
    const tenancy::TenantDirectory& directory, tenancy::TenantDatabases& databases,
    const std::string& name, absl::Time deadline,
    absl::FunctionRef<absl::StatusOr<bool>(db::Transaction&, const tenancy::Tenant&)> batch) {
  absl::Status result;
  for (const tenancy::TenantPtr& tenant : directory.All()) {
    const absl::StatusOr<db::Database*> database = databases.Of(*tenant);
    result.Update(database.ok() ? RunExclusively(**database, deadline, name,
                                                 [&](db::Transaction& transaction) {
                                                   return batch(transaction, *tenant);
                                                 })
                                : database.status());
  }
  return result;
}

}  // namespace gatehouse::host
