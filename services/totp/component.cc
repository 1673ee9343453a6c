#include "services/totp/component.h"

#include <vector>

#include "gatehouse/common/v1/user_data_service.rpc.h"
#include "gatehouse/users/v1/registry_service.rpc.h"
#include "libs/host/job_scheduler.h"
#include "libs/rpc/user_data_policy.h"
#include "services/totp/pg_totp_cleanup.h"
#include "services/totp/pg_totp_store.h"
#include "services/totp/policy.h"
#include "services/totp/totp_service.h"

namespace gatehouse::totp {
namespace {

constexpr absl::Duration kCleanUpInterval = absl::Hours(1);  // the original's

class TotpComponent final : public host::Component {
 public:
  explicit TotpComponent(host::Environment& environment)
      : registry_(environment.ChannelTo("users")),
        store_(environment.databases()),
        service_(environment.tenants(), registry_, store_, environment.clock()) {
    environment.jobs().Add({.name = "totp_delete_expired_codes",
                            .interval = kCleanUpInterval,
                            .first_after = kCleanUpInterval},
                           [&environment](absl::Time deadline) {
                             return DeleteExpiredCodes(environment.tenants(),
                                                       environment.databases(), environment.clock(),
                                                       deadline);
                           });
  }

  std::vector<host::ExposedService> services() override {
    return {{&handler_, TotpPolicy()}, {&user_data_handler_, rpc::UserDataPolicy()}};
  }

 private:
  users::v1::RegistryServiceClient registry_;
  PgTotpStore store_;
  TotpServiceImpl service_;
  v1::TotpServiceHandler handler_{service_};
  common::v1::UserDataServiceHandler user_data_handler_{service_};
};

}  // namespace

absl::StatusOr<std::unique_ptr<host::Component>> MakeTotpComponent(host::Environment& environment) {
  return std::make_unique<TotpComponent>(environment);
}

}  // namespace gatehouse::totp
