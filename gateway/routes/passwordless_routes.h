#pragma once

#include "gateway/api/route_table.h"
#include "gateway/routes/recipe_user_routes.h"
#include "libs/rpc/service.h"

namespace gatehouse::gateway {

// Sign-in with codes and links, and, by `recipe_user`, GET and PUT /recipe/user. The channels lead
// to the services of their names and outlive the table.
void AddPasswordlessRoutes(RouteTable& routes, rpc::Channel& passwordless, rpc::Channel& users,
                           RecipeUserHandlers& recipe_user);

}  // namespace gatehouse::gateway
