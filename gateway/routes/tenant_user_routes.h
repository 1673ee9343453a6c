#pragma once

#include "gateway/api/route_table.h"

namespace gatehouse::rpc {
class Channel;
}
namespace gatehouse::tenancy {
class TenantDirectory;
}

namespace gatehouse::gateway {

// Users in tenants, and the removal of users. The channels outlive the table.
void AddTenantUserRoutes(RouteTable& routes, rpc::Channel& accounts, rpc::Channel& users,
                         const tenancy::TenantDirectory& tenants);

}  // namespace gatehouse::gateway
