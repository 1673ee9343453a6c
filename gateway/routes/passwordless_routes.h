#pragma once

#include "gateway/api/route_table.h"
#include "gateway/routes/recipe_user_routes.h"
#include "libs/rpc/service.h"
#include "libs/tenancy/tenant_directory.h"

namespace gatehouse::gateway {

// Sign-in with codes and links, and, by `recipe_user`, GET and PUT /recipe/user. `passwordless`
// leads to the service of that name; it and `tenants` outlive the table.
void AddPasswordlessRoutes(RouteTable& routes, rpc::Channel& passwordless,
                           const tenancy::TenantDirectory& tenants,
                           RecipeUserHandlers& recipe_user);

}  // namespace gatehouse::gateway
