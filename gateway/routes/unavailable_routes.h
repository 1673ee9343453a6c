#pragma once

#include "gateway/api/route_table.h"

namespace gatehouse::gateway {

// Operations of the original that this build does not have: they answer 501, and
// docs/compatibility.md lists them.
void AddUnavailableRoutes(RouteTable& routes);

}  // namespace gatehouse::gateway
