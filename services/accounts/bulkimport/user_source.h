#pragma once

#include "absl/status/statusor.h"
#include "gatehouse/roles/v1/roles_service.rpc.h"
#include "libs/rpc/service.h"
#include "libs/tenancy/tenant_directory.h"
#include "services/accounts/bulkimport/read_user.h"

namespace gatehouse::accounts {

// What users of an app are checked against, as it is now. `app`: the public tenant. Looks tenants
// up that this process does not know yet, but only a few, however many names are given.
absl::StatusOr<UserReader::App> AppForReading(const tenancy::TenantDirectory& directory,
                                              roles::v1::RolesService& roles,
                                              rpc::CallContext context,
                                              const tenancy::TenantPtr& app, int64_t now_ms);

}  // namespace gatehouse::accounts
