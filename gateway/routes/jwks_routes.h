#pragma once

#include "gateway/api/route_table.h"

namespace gatehouse::rpc {
class Channel;
}

namespace gatehouse::gateway {

// JWT creation and the published key set. `jwks` is the channel to the jwks service; it must
// outlive the table.
void AddJwksRoutes(RouteTable& routes, rpc::Channel& jwks);

}  // namespace gatehouse::gateway
