#pragma once

#include "gateway/api/route_table.h"

namespace gatehouse::rpc {
class Channel;
}
namespace gatehouse::tenancy {
class TenantDirectory;
}

namespace gatehouse::gateway {

// External user ids: operations that need other services' checks go to accounts, the rest to users.
// The channels outlive the table.
void AddIdMappingRoutes(RouteTable& routes, rpc::Channel& accounts, rpc::Channel& users,
                        const tenancy::TenantDirectory& tenants);

}  // namespace gatehouse::gateway
