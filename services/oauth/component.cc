#include "services/oauth/component.h"

#include "gatehouse/jwks/v1/jwks_service.rpc.h"
#include "gatehouse/oauth/v1/oauth_client_service.rpc.h"
#include "gatehouse/oauth/v1/oauth_token_service.rpc.h"
#include "libs/host/job_scheduler.h"
#include "services/oauth/oauth_client_service.h"
#include "services/oauth/oauth_token_service.h"
#include "services/oauth/pg_client_store.h"
#include "services/oauth/pg_oauth_cleanup.h"
#include "services/oauth/pg_session_store.h"
#include "services/oauth/policy.h"
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
        clients_(environment.databases()),
        sessions_(environment.databases()),
        keys_(jwks_, environment.clock()),
        tokens_(sessions_, keys_, environment.clock()),
        client_service_(environment.tenants(), clients_),
        token_service_(environment.tenants(), clients_, sessions_, tokens_) {
    environment.jobs().Add({.name = "oauth_delete_expired",
                            .interval = kCleanUpInterval,
                            .first_after = kCleanUpInterval},
                           [&environment](absl::Time deadline) {
                             return DeleteExpired(environment.tenants(), environment.databases(),
                                                  environment.clock(), deadline);
                           });
  }

  std::vector<host::ExposedService> services() override {
    return {{&client_handler_, OAuthClientPolicy()}, {&token_handler_, OAuthTokenPolicy()}};
  }

 private:
  jwks::v1::JwksServiceClient jwks_;
  PgClientStore clients_;
  PgSessionStore sessions_;
  TokenKeys keys_;
  Tokens tokens_;
  OAuthClientServiceImpl client_service_;
  OAuthTokenServiceImpl token_service_;
  v1::OAuthClientServiceHandler client_handler_{client_service_};
  v1::OAuthTokenServiceHandler token_handler_{token_service_};
};

}  // namespace

absl::StatusOr<std::unique_ptr<host::Component>> MakeOAuthComponent(
    host::Environment& environment) {
  return std::make_unique<OAuthComponent>(environment);
}

}  // namespace gatehouse::oauth
