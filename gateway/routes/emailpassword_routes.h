#pragma once

#include "gateway/api/route_table.h"
#include "gateway/routes/recipe_user_routes.h"
#include "libs/rpc/service.h"
#include "libs/tenancy/tenant_directory.h"

namespace gatehouse::gateway {

// Email and password: sign-up, sign-in, password reset, import of hashes, and, by `recipe_user`,
// GET and PUT /recipe/user. `users` and `tenants` outlive the table.
void AddEmailPasswordRoutes(RouteTable& routes, rpc::Channel& users,
                            const tenancy::TenantDirectory& tenants,
                            RecipeUserHandlers& recipe_user);

}  // namespace gatehouse::gateway
