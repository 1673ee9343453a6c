#pragma once

#include "gateway/api/route_table.h"
#include "libs/rpc/service.h"
#include "libs/tenancy/tenant_directory.h"

namespace gatehouse::gateway {

// The user dashboard's own users, their sessions, and the configuration that it shows. Alike in
// every CDI version but for session/verify. `channel` leads to the dashboard service; it and
// `tenants` outlive the table.
void AddDashboardRoutes(RouteTable& routes, rpc::Channel& channel,
                        const tenancy::TenantDirectory& tenants);

}  // namespace gatehouse::gateway
