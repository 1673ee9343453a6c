#pragma once

#include "gateway/api/route_table.h"

namespace gatehouse::host {
class Host;
}

namespace gatehouse::gateway {

class RequestStats;

// Fills the table: every recipe's operations, each calling its service as the gateway. `stats` is
// what the gateway counts requests in.
void AddAllRoutes(RouteTable& routes, host::Host& host, const RequestStats& stats);

}  // namespace gatehouse::gateway
