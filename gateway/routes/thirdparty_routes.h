#pragma once

#include "gateway/api/route_table.h"
#include "gateway/routes/recipe_user_routes.h"
#include "libs/rpc/service.h"

namespace gatehouse::gateway {

// Sign-in and sign-up with a third party, users by email, and, by `recipe_user`, GET /recipe/user.
// `thirdparty` leads to the thirdparty service and outlives the table.
void AddThirdPartyRoutes(RouteTable& routes, rpc::Channel& thirdparty,
                         RecipeUserHandlers& recipe_user);

}  // namespace gatehouse::gateway
