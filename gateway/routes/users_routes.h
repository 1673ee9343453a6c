#pragma once

#include "gateway/api/route_table.h"
#include "libs/rpc/service.h"
#include "libs/tenancy/tenant_directory.h"

namespace gatehouse::gateway {

// Users of every recipe: /users and the paths below it, /user/id, /user/search/tags. `users` and
// `tenants` outlive the table.
void AddUsersRoutes(RouteTable& routes, rpc::Channel& users,
                    const tenancy::TenantDirectory& tenants);

}  // namespace gatehouse::gateway
