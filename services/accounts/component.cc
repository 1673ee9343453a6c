#include "services/accounts/component.h"

#include <vector>

#include "libs/host/job_scheduler.h"
#include "libs/host/login_faults.h"
#include "services/accounts/accounts_service.h"
#include "services/accounts/policy.h"

namespace gatehouse::accounts {
namespace {

class AccountsComponent final : public host::Component {
 public:
  explicit AccountsComponent(host::Environment& environment)
      : linking_(environment.ChannelTo("users")),
        id_mapping_(environment.ChannelTo("users")),
        registry_(environment.ChannelTo("users")),
        sessions_(environment.ChannelTo("session")),
        roles_(environment.ChannelTo("roles")),
        third_party_(environment.ChannelTo("thirdparty")),
        passwordless_(environment.ChannelTo("passwordless")),
        settler_(environment.tenants(), environment.databases(), "") {
    environment.jobs().Add({.name = "settle_logins",
                            .interval = host::LoginSettler::kInterval,
                            .first_after = host::LoginSettler::kInterval},
                           [this](absl::Time deadline) { return settler_.Run(deadline); });
  }

  std::vector<host::ExposedService> services() override { return {{&handler_, AccountsPolicy()}}; }

 private:
  users::v1::LinkingServiceClient linking_;
  users::v1::IdMappingServiceClient id_mapping_;
  users::v1::RegistryServiceClient registry_;
  session::v1::SessionServiceClient sessions_;
  roles::v1::RolesServiceClient roles_;
  thirdparty::v1::ThirdPartyServiceClient third_party_;
  passwordless::v1::PasswordlessServiceClient passwordless_;
  host::LoginSettler settler_;
  AccountsServiceImpl service_{
      Peers{linking_, id_mapping_, registry_, sessions_, roles_, third_party_, passwordless_},
      [this] { settler_.NoteCutOff(); }};
  v1::AccountsServiceHandler handler_{service_};
};

}  // namespace

absl::StatusOr<std::unique_ptr<host::Component>> MakeAccountsComponent(
    host::Environment& environment) {
  return std::make_unique<AccountsComponent>(environment);
}

}  // namespace gatehouse::accounts
