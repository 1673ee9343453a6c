#pragma once

#include "gateway/api/route_table.h"
#include "libs/rpc/service.h"
#include "libs/tenancy/tenant_directory.h"

namespace gatehouse::gateway {

// The OAuth 2 provider. Alike in every CDI version. `channel` leads to the oauth service; it and
// `tenants` outlive the table.
void AddOAuthClientRoutes(RouteTable& routes, rpc::Channel& channel,
                          const tenancy::TenantDirectory& tenants);
void AddOAuthFlowRoutes(RouteTable& routes, rpc::Channel& channel,
                        const tenancy::TenantDirectory& tenants);
void AddOAuthLogoutRoutes(RouteTable& routes, rpc::Channel& channel,
                          const tenancy::TenantDirectory& tenants);
void AddOAuthTokenRoutes(RouteTable& routes, rpc::Channel& channel,
                         const tenancy::TenantDirectory& tenants);

}  // namespace gatehouse::gateway
