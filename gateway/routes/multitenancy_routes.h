#pragma once

#include "gateway/api/route_table.h"

namespace gatehouse::rpc {
class Channel;
}
namespace gatehouse::tenancy {
class TenantDirectory;
}

namespace gatehouse::gateway {

// Connection-URI domains, apps, tenants and their third-party providers. `tenants` is the channel
// to the tenants service; both arguments outlive the table.
void AddMultitenancyRoutes(RouteTable& routes, rpc::Channel& tenants,
                           const tenancy::TenantDirectory& directory);

}  // namespace gatehouse::gateway
