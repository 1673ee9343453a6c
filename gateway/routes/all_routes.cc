#include "gateway/routes/all_routes.h"

#include "gateway/routes/accountlinking_routes.h"
#include "gateway/routes/bulk_import_routes.h"
#include "gateway/routes/core_routes.h"
#include "gateway/routes/dashboard_routes.h"
#include "gateway/routes/emailpassword_routes.h"
#include "gateway/routes/emailverification_routes.h"
#include "gateway/routes/idmapping_routes.h"
#include "gateway/routes/jwks_routes.h"
#include "gateway/routes/metadata_routes.h"
#include "gateway/routes/multitenancy_routes.h"
#include "gateway/routes/oauth_routes.h"
#include "gateway/routes/passwordless_routes.h"
#include "gateway/routes/recipe_user_routes.h"
#include "gateway/routes/roles_routes.h"
#include "gateway/routes/saml_routes.h"
#include "gateway/routes/session_routes.h"
#include "gateway/routes/tenant_user_routes.h"
#include "gateway/routes/thirdparty_routes.h"
#include "gateway/routes/totp_routes.h"
#include "gateway/routes/users_routes.h"
#include "gateway/routes/webauthn_routes.h"
#include "libs/host/host.h"

namespace gatehouse::gateway {

void AddAllRoutes(RouteTable& routes, host::Host& host, const GatewayCounts& counts) {
  rpc::Channel& tenants = host.ChannelBetween("gateway", "tenants");
  rpc::Channel& users = host.ChannelBetween("gateway", "users");
  AddCoreRoutes(routes, {tenants, users, host.tenants(), counts.stats, counts.totals, counts.cap,
                         host.clock(), host.config().yaml_path});
  AddMultitenancyRoutes(routes, tenants, host.tenants());
  AddJwksRoutes(routes, host.ChannelBetween("gateway", "jwks"));
  AddSessionRoutes(routes, host.ChannelBetween("gateway", "session"), host.tenants());
  RecipeUserHandlers recipe_user;
  AddEmailPasswordRoutes(routes, users, host.tenants(), recipe_user);
  AddThirdPartyRoutes(routes, host.ChannelBetween("gateway", "thirdparty"), recipe_user);
  AddPasswordlessRoutes(routes, host.ChannelBetween("gateway", "passwordless"), host.tenants(),
                        recipe_user);
  AddWebauthnRoutes(routes, host.ChannelBetween("gateway", "webauthn"));
  AddRecipeUserRoutes(routes, std::move(recipe_user));
  AddUsersRoutes(routes, users, host.tenants());
  AddRolesRoutes(routes, host.ChannelBetween("gateway", "roles"), host.tenants());
  AddTotpRoutes(routes, host.ChannelBetween("gateway", "totp"), host.tenants());
  rpc::Channel& accounts = host.ChannelBetween("gateway", "accounts");
  AddAccountLinkingRoutes(routes, accounts, users, host.tenants());
  AddIdMappingRoutes(routes, accounts, users, host.tenants());
  AddTenantUserRoutes(routes, accounts, users, host.tenants());
  AddEmailVerificationRoutes(routes, users, host.tenants());
  AddMetadataRoutes(routes, users, host.tenants());
  AddBulkImportRoutes(routes, accounts, host.tenants());
  AddSamlRoutes(routes, host.ChannelBetween("gateway", "saml"));
  AddDashboardRoutes(routes, host.ChannelBetween("gateway", "dashboard"), host.tenants());
  rpc::Channel& oauth = host.ChannelBetween("gateway", "oauth");
  AddOAuthClientRoutes(routes, oauth, host.tenants());
  AddOAuthFlowRoutes(routes, oauth, host.tenants());
  AddOAuthLogoutRoutes(routes, oauth, host.tenants());
  AddOAuthTokenRoutes(routes, oauth, host.tenants());
}

}  // namespace gatehouse::gateway
