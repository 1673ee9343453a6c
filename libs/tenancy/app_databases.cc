#include "libs/tenancy/app_databases.h"

#include "libs/base/status.h"

namespace gatehouse::tenancy {

absl::StatusOr<std::vector<TenantPtr>> OneTenantPerDatabase(const TenantDirectory& directory,
                                                            const common::v1::Scope& scope,
                                                            absl::Time deadline) {
  ASSIGN_OR_RETURN(const TenantPtr app, directory.FindApp(scope, deadline));
  return directory.OnePerDatabase(app);
}

}  // namespace gatehouse::tenancy
