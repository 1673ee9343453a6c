#pragma once

#include <functional>

#include "gatehouse/roles/v1/roles_service.rpc.h"
#include "libs/rpc/service.h"
#include "libs/tenancy/tenant_directory.h"
#include "services/accounts/bulkimport/read_user.h"

namespace gatehouse::accounts {

// What users of an app are checked against. `app`: the public tenant. Looks tenants up that this
// process does not know yet, but only a few, however many names are given. Lists the app's roles
// when a user has one, once. `context` is that of such a call; the services and it outlive the
// result, whose copies share what was looked up and may be used by several threads.
UserReader::App AppForReading(const tenancy::TenantDirectory& directory,
                              roles::v1::RolesService& roles,
                              std::function<rpc::CallContext()> context,
                              const tenancy::TenantPtr& app, int64_t now_ms);

}  // namespace gatehouse::accounts
