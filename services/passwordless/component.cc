#include "services/passwordless/component.h"

#include <vector>

#include "libs/host/job_scheduler.h"
#include "libs/host/login_faults.h"
#include "libs/rpc/user_data_policy.h"
#include "services/passwordless/passwordless_service.h"
#include "services/passwordless/pg_device_cleanup.h"
#include "services/passwordless/pg_device_store.h"
#include "services/passwordless/pg_passwordless_user_store.h"
#include "services/passwordless/policy.h"

namespace gatehouse::passwordless {
namespace {

constexpr absl::Duration kCleanUpInterval = absl::Hours(1);  // the original's

class PasswordlessComponent final : public host::Component {
 public:
  explicit PasswordlessComponent(host::Environment& environment)
      : registry_(environment.ChannelTo("users")),
        users_(environment.ChannelTo("users")),
        devices_(environment.databases()),
        user_store_(environment.databases()),
        settler_(environment.tenants(), environment.databases(), "passwordless"),
        service_(environment.tenants(), registry_, users_, devices_, user_store_,
                 environment.clock(), [this] { settler_.NoteCutOff(); }) {
    environment.jobs().Add({.name = "passwordless_settle_logins",
                            .interval = host::LoginSettler::kInterval,
                            .first_after = host::LoginSettler::kInterval},
                           [this](absl::Time deadline) { return settler_.Run(deadline); });
    environment.jobs().Add({.name = "passwordless_delete_expired_devices",
                            .interval = kCleanUpInterval,
                            .first_after = kCleanUpInterval},
                           [&environment](absl::Time deadline) {
                             return DeleteExpiredDevices(environment.tenants(),
                                                         environment.databases(),
                                                         environment.clock(), deadline);
                           });
  }

  std::vector<host::ExposedService> services() override {
    return {{&handler_, PasswordlessPolicy()}, {&credentials_handler_, rpc::CredentialsPolicy()}};
  }

 private:
  users::v1::RegistryServiceClient registry_;
  users::v1::UserDirectoryServiceClient users_;
  PgDeviceStore devices_;
  PgPasswordlessUserStore user_store_;
  host::LoginSettler settler_;
  PasswordlessServiceImpl service_;
  v1::PasswordlessServiceHandler handler_{service_};
  common::v1::CredentialsServiceHandler credentials_handler_{service_};
};

}  // namespace

absl::StatusOr<std::unique_ptr<host::Component>> MakePasswordlessComponent(
    host::Environment& environment) {
  return std::make_unique<PasswordlessComponent>(environment);
}

}  // namespace gatehouse::passwordless
