#include "gateway/routes/all_routes.h"

#include "gateway/routes/unavailable_routes.h"
#include "libs/host/host.h"

namespace gatehouse::gateway {

void AddAllRoutes(RouteTable& routes, host::Host& host) {
  AddUnavailableRoutes(routes);
}

}  // namespace gatehouse::gateway
