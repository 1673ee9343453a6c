#include "services/oauth/component.h"

#include "gatehouse/jwks/v1/jwks_service.rpc.h"
#include "gatehouse/oauth/v1/oauth_client_service.rpc.h"
#include "gatehouse/oauth/v1/oauth_flow_service.rpc.h"
#include "gatehouse/oauth/v1/oauth_logout_service.rpc.h"
#include "gatehouse/oauth/v1/oauth_token_service.rpc.h"
#include "gatehouse/session/v1/session_service.rpc.h"
#include "gatehouse/users/v1/registry_service.rpc.h"
#include "libs/config/process_config.h"
#include "libs/host/job_scheduler.h"
#include "services/oauth/authorization.h"
#include "services/oauth/grant_tokens.h"
#include "services/oauth/oauth_client_service.h"
#include "services/oauth/oauth_flow_service.h"
#include "services/oauth/oauth_logout_service.h"
#include "services/oauth/oauth_token_service.h"
#include "services/oauth/pg_client_store.h"
#include "services/oauth/pg_flow_store.h"
#include "services/oauth/pg_logout_store.h"
#include "services/oauth/pg_oauth_cleanup.h"
#include "services/oauth/pg_session_store.h"
#include "services/oauth/policy.h"
#include "services/oauth/session_activity.h"
#include "services/oauth/token_keys.h"
#include "services/oauth/tokens.h"

namespace gatehouse::oauth {
namespace {

// Each machine-to-machine token leaves a row, and most live for an hour.
constexpr absl::Duration kCleanUpInterval = absl::Hours(1);

class OAuthComponent final : public host::Component {
 public:
  explicit OAuthComponent(host::Environment& environment)
      : jwks_(environment.ChannelTo("jwks")),
        registry_(environment.ChannelTo("users")),
        session_service_(environment.ChannelTo("session")),
        clients_(environment.databases()),
        sessions_(environment.databases()),
        keys_(jwks_, environment.clock()),
        tokens_(sessions_, keys_, environment.clock()),
        flows_(environment.databases()),
        logouts_(environment.databases()),
        activity_(session_service_, registry_, environment.clock(), environment.config().test_mode),
        grants_(sessions_, flows_, keys_, &activity_, environment.clock()),
        authorization_(flows_, grants_, keys_, environment.clock()),
        client_service_(environment.tenants(), clients_),
        flow_service_(environment.tenants(), clients_, authorization_),
        logout_service_(environment.tenants(), clients_, logouts_, sessions_, keys_,
                        environment.clock()),
        limits_(environment.clock()),
        token_service_(environment.tenants(), clients_, sessions_, tokens_, grants_, limits_) {
    environment.jobs().Add({.name = "oauth_delete_expired",
                            .interval = kCleanUpInterval,
                            .first_after = kCleanUpInterval},
                           [&environment](absl::Time deadline) {
                             return DeleteExpired(environment.tenants(), environment.databases(),
                                                  environment.clock(), deadline);
                           });
  }

  std::vector<host::ExposedService> services() override {
    return {{&client_handler_, OAuthClientPolicy()},
            {&flow_handler_, OAuthFlowPolicy()},
            {&logout_handler_, OAuthLogoutPolicy()},
            {&token_handler_, OAuthTokenPolicy()}};
  }

 private:
  jwks::v1::JwksServiceClient jwks_;
  users::v1::RegistryServiceClient registry_;
  session::v1::SessionServiceClient session_service_;
  PgClientStore clients_;
  PgSessionStore sessions_;
  TokenKeys keys_;
  Tokens tokens_;
  PgFlowStore flows_;
  PgLogoutStore logouts_;
  SessionActivity activity_;
  GrantTokens grants_;
  Authorization authorization_;
  OAuthClientServiceImpl client_service_;
  OAuthFlowServiceImpl flow_service_;
  OAuthLogoutServiceImpl logout_service_;
  ClientLimits limits_;
  OAuthTokenServiceImpl token_service_;
  v1::OAuthClientServiceHandler client_handler_{client_service_};
  v1::OAuthFlowServiceHandler flow_handler_{flow_service_};
  v1::OAuthLogoutServiceHandler logout_handler_{logout_service_};
  v1::OAuthTokenServiceHandler token_handler_{token_service_};
};

}  // namespace

absl::StatusOr<std::unique_ptr<host::Component>> MakeOAuthComponent(
    host::Environment& environment) {
  return std::make_unique<OAuthComponent>(environment);
}

}  // namespace gatehouse::oauth
