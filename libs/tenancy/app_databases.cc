#include "libs/tenancy/app_databases.h"

#include <string_view>
#include <unordered_set>

#include "libs/base/status.h"

namespace gatehouse::tenancy {

absl::StatusOr<std::vector<TenantPtr>> OneTenantPerDatabase(const TenantDirectory& directory,
                                                            const common::v1::Scope& scope,
                                                            absl::Time deadline) {
  ASSIGN_OR_RETURN(TenantPtr app, directory.FindApp(scope, deadline));
  std::vector<TenantPtr> found = {app};
  std::unordered_set<std::string_view> seen = {app->database_id};
  for (const TenantPtr& tenant : directory.TenantsOfApp(scope)) {
    if (seen.insert(tenant->database_id).second) found.push_back(tenant);
  }
  return found;
}

}  // namespace gatehouse::tenancy
