#pragma once

#include "gateway/api/route_table.h"

namespace gatehouse::rpc {
class Channel;
}
namespace gatehouse::tenancy {
class TenantDirectory;
}

namespace gatehouse::gateway {

// User metadata. `users` is the channel to the users service; it must outlive the table.
void AddMetadataRoutes(RouteTable& routes, rpc::Channel& users,
                       const tenancy::TenantDirectory& tenants);

}  // namespace gatehouse::gateway
