#pragma once

#include "gateway/api/route_table.h"

namespace gatehouse::rpc {
class Channel;
}
namespace gatehouse::tenancy {
class TenantDirectory;
}

namespace gatehouse::gateway {

// /bulk-import/*: users that are moved in by the thousand.
void AddBulkImportRoutes(RouteTable& routes, rpc::Channel& accounts,
                         const tenancy::TenantDirectory& tenants);

}  // namespace gatehouse::gateway
