#pragma once

#include "gateway/api/route_table.h"
#include "libs/rpc/service.h"
#include "libs/tenancy/tenant_directory.h"

namespace gatehouse::gateway {

// Devices of users, and their codes. `channel` leads to the totp service; it and `tenants` outlive
// the table.
void AddTotpRoutes(RouteTable& routes, rpc::Channel& channel,
                   const tenancy::TenantDirectory& tenants);

}  // namespace gatehouse::gateway
