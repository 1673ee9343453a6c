#pragma once

#include "gateway/api/route_table.h"
#include "libs/rpc/service.h"

namespace gatehouse::gateway {

// Passkeys: /recipe/webauthn/*. `webauthn` leads to the service of that name and outlives the
// table.
void AddWebauthnRoutes(RouteTable& routes, rpc::Channel& webauthn);

}  // namespace gatehouse::gateway
