#pragma once

#include "gateway/api/route_table.h"

namespace gatehouse::rpc {
class Channel;
}
namespace gatehouse::tenancy {
class TenantDirectory;
}

namespace gatehouse::gateway {

// Sessions, their data, and the handshake of old SDKs. `session` is the channel to the session
// service; both must outlive the table.
void AddSessionRoutes(RouteTable& routes, rpc::Channel& session,
                      const tenancy::TenantDirectory& tenants);

}  // namespace gatehouse::gateway
