#pragma once

#include "gateway/api/route_table.h"

namespace gatehouse::rpc {
class Channel;
}

namespace gatehouse::gateway {

// Users of every recipe: /users and what is under it, /user/id, /user/search/tags. `users` outlives
// the table.
void AddUsersRoutes(RouteTable& routes, rpc::Channel& users);

}  // namespace gatehouse::gateway
