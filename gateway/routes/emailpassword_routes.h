#pragma once

#include "gateway/api/route_table.h"
#include "gateway/routes/recipe_user_routes.h"

namespace gatehouse::rpc {
class Channel;
}

namespace gatehouse::gateway {

// Email and password: sign-up, sign-in, password reset, import of hashes, and, by `recipe_user`,
// GET and PUT /recipe/user. `users` outlives the table.
void AddEmailPasswordRoutes(RouteTable& routes, rpc::Channel& users,
                            RecipeUserHandlers& recipe_user);

}  // namespace gatehouse::gateway
