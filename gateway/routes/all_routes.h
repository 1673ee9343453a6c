#pragma once

#include "gateway/api/route_table.h"

namespace gatehouse::host {
class Host;
}

namespace gatehouse::gateway {

// Fills the table: every recipe's operations, each calling its service as the gateway.
void AddAllRoutes(RouteTable& routes, host::Host& host);

}  // namespace gatehouse::gateway
