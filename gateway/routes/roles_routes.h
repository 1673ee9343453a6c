#pragma once

#include "gateway/api/route_table.h"
#include "libs/rpc/service.h"

namespace gatehouse::gateway {

// Roles, permissions, and who has them. Alike in every CDI version. `roles` leads to the roles
// service and outlives the table.
void AddRolesRoutes(RouteTable& routes, rpc::Channel& roles);

}  // namespace gatehouse::gateway
