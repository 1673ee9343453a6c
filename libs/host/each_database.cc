#include "libs/host/each_database.h"

#include <string>
#include <unordered_set>

#include "libs/tenancy/tenant_databases.h"
#include "libs/tenancy/tenant_directory.h"

namespace gatehouse::host {

absl::Status InEachDatabase(const tenancy::TenantDirectory& directory,
                            tenancy::TenantDatabases& databases,
                            absl::FunctionRef<absl::Status(db::Database&)> body) {
  std::unordered_set<std::string> done;
  absl::Status result;
  for (const tenancy::TenantPtr& tenant : directory.All()) {
    if (!done.insert(tenant->database_id).second) continue;
    const absl::StatusOr<db::Database*> database = databases.Of(*tenant);
    result.Update(database.ok() ? body(**database) : database.status());
  }
  return result;
}

}  // namespace gatehouse::host
