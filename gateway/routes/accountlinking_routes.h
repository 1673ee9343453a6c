#pragma once

#include "gateway/api/route_table.h"

namespace gatehouse::rpc {
class Channel;
}
namespace gatehouse::tenancy {
class TenantDirectory;
}

namespace gatehouse::gateway {

// Primary users, linking and unlinking: checks go to users, operations with effects on sessions to
// accounts. The channels outlive the table.
void AddAccountLinkingRoutes(RouteTable& routes, rpc::Channel& accounts, rpc::Channel& users,
                             const tenancy::TenantDirectory& tenants);

}  // namespace gatehouse::gateway
