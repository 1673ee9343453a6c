#include "services/thirdparty/component.h"

#include "libs/host/job_scheduler.h"
#include "libs/host/login_faults.h"
#include "libs/rpc/user_data_policy.h"
#include "services/thirdparty/pg_third_party_user_store.h"
#include "services/thirdparty/policy.h"
#include "services/thirdparty/thirdparty_service.h"

namespace gatehouse::thirdparty {
namespace {

class ThirdPartyComponent final : public host::Component {
 public:
  explicit ThirdPartyComponent(host::Environment& environment)
      : registry_(environment.ChannelTo("users")),
        users_(environment.ChannelTo("users")),
        store_(environment.databases()),
        settler_(environment.tenants(), environment.databases(), "thirdparty"),
        service_(environment.tenants(), registry_, users_, store_,
                 [this] { settler_.NoteCutOff(); }) {
    environment.jobs().Add({.name = "thirdparty_settle_logins",
                            .interval = host::LoginSettler::kInterval,
                            .first_after = host::LoginSettler::kInterval},
                           [this](absl::Time deadline) { return settler_.Run(deadline); });
  }

  std::vector<host::ExposedService> services() override {
    return {{&handler_, ThirdPartyPolicy()}, {&credentials_handler_, rpc::CredentialsPolicy()}};
  }

 private:
  users::v1::RegistryServiceClient registry_;
  users::v1::UserDirectoryServiceClient users_;
  PgThirdPartyUserStore store_;
  host::LoginSettler settler_;
  ThirdPartyServiceImpl service_;
  v1::ThirdPartyServiceHandler handler_{service_};
  common::v1::CredentialsServiceHandler credentials_handler_{service_};
};

}  // namespace

absl::StatusOr<std::unique_ptr<host::Component>> MakeThirdPartyComponent(
    host::Environment& environment) {
  return std::make_unique<ThirdPartyComponent>(environment);
}

}  // namespace gatehouse::thirdparty
