#pragma once

#include "gateway/api/route_table.h"
#include "libs/rpc/service.h"
#include "libs/tenancy/tenant_directory.h"

namespace gatehouse::gateway {

// Roles, permissions, and their users. The same in every CDI version. `channel` leads to the roles
// service; it and `tenants` outlive the table.
void AddRolesRoutes(RouteTable& routes, rpc::Channel& channel,
                    const tenancy::TenantDirectory& tenants);

}  // namespace gatehouse::gateway
