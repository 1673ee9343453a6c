#include "services/webauthn/component.h"

#include <vector>

#include "libs/host/job_scheduler.h"
#include "libs/host/login_faults.h"
#include "libs/rpc/user_data_policy.h"
#include "services/webauthn/pg_cleanup.h"
#include "services/webauthn/policy.h"
#include "services/webauthn/webauthn_service.h"

namespace gatehouse::webauthn {
namespace {

// Options live seconds and are made for every attempt; the original's day would let them pile up.
constexpr absl::Duration kCleanUpInterval = absl::Hours(1);

class WebauthnComponent final : public host::Component {
 public:
  explicit WebauthnComponent(host::Environment& environment)
      : registry_(environment.ChannelTo("users")),
        users_(environment.ChannelTo("users")),
        options_(environment.databases()),
        credentials_(environment.databases()),
        recovery_(environment.databases()),
        settler_(environment.tenants(), environment.databases(), "webauthn"),
        service_(environment.tenants(), registry_, users_, options_, credentials_, recovery_,
                 environment.clock(), [this] { settler_.NoteCutOff(); }) {
    environment.jobs().Add({.name = "webauthn_settle_logins",
                            .interval = host::LoginSettler::kInterval,
                            .first_after = host::LoginSettler::kInterval},
                           [this](absl::Time deadline) { return settler_.Run(deadline); });
    environment.jobs().Add({.name = "webauthn_delete_expired",
                            .interval = kCleanUpInterval,
                            .first_after = kCleanUpInterval},
                           [&environment](absl::Time deadline) {
                             return DeleteExpired(environment.tenants(), environment.databases(),
                                                  environment.clock(), deadline);
                           });
  }

  std::vector<host::ExposedService> services() override {
    return {{&handler_, WebauthnPolicy()}, {&credentials_handler_, rpc::CredentialsPolicy()}};
  }

 private:
  users::v1::RegistryServiceClient registry_;
  users::v1::UserDirectoryServiceClient users_;
  PgOptionsStore options_;
  PgCredentialStore credentials_;
  PgRecoveryStore recovery_;
  host::LoginSettler settler_;
  WebauthnServiceImpl service_;
  v1::WebauthnServiceHandler handler_{service_};
  common::v1::CredentialsServiceHandler credentials_handler_{service_};
};

}  // namespace

absl::StatusOr<std::unique_ptr<host::Component>> MakeWebauthnComponent(
    host::Environment& environment) {
  return std::make_unique<WebauthnComponent>(environment);
}

}  // namespace gatehouse::webauthn
