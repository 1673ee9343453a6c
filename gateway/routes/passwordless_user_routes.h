#pragma once

#include "gateway/routes/recipe_user_routes.h"

namespace gatehouse::rpc {
class Channel;
}

namespace gatehouse::gateway {

// GET /recipe/user for rid `passwordless`: users with an email or a phone number and no password,
// as the registry knows them, so that those of an existing installation are found. `users`
// outlives the handlers.
void AddPasswordlessUserRoutes(rpc::Channel& users, RecipeUserHandlers& handlers);

}  // namespace gatehouse::gateway
