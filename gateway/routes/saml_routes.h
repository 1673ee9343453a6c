#pragma once

#include "gateway/api/route_table.h"
#include "libs/rpc/service.h"

namespace gatehouse::gateway {

// Single sign-on by SAML. `channel` leads to the saml service and outlives the table.
void AddSamlRoutes(RouteTable& routes, rpc::Channel& channel);

}  // namespace gatehouse::gateway
