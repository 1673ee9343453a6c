#include "gateway/routes/all_routes.h"

#include "gateway/routes/roles_routes.h"
#include "gateway/routes/unavailable_routes.h"
#include "libs/host/host.h"

namespace gatehouse::gateway {

void AddAllRoutes(RouteTable& routes, host::Host& host) {
  AddRolesRoutes(routes, host.ChannelBetween("gateway", "roles"));
  AddUnavailableRoutes(routes);
}

}  // namespace gatehouse::gateway
