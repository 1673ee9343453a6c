#pragma once

#include <map>
#include <string>
#include <utility>

#include "gateway/api/route_table.h"

namespace gatehouse::gateway {

// /recipe/user is one path for several recipes: the header `rid` says which. A recipe's routes add
// theirs by rid and method.
using RecipeUserHandlers = std::map<std::pair<std::string, HttpMethod>, RouteHandler>;

// Adds GET and PUT /recipe/user. Without a rid, or with one that has no operations there at all,
// emailpassword is meant; a rid that has others but not this method is a 405.
void AddRecipeUserRoutes(RouteTable& routes, RecipeUserHandlers handlers);

}  // namespace gatehouse::gateway
