#include "services/accounts/component.h"

#include <deque>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "libs/base/service_table.h"
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
        settler_(environment.tenants(), environment.databases(), "") {
    for (const ServiceRow& row : ServiceTable()) {
      if (row.keeps_user_data) user_data_.emplace_back(environment.ChannelTo(row.name));
      if (!row.keeps_credentials_of.empty()) {
        credentials_.try_emplace(std::string(row.keeps_credentials_of),
                                 environment.ChannelTo(row.name));
      }
    }
    Peers peers = {.linking = linking_,
                   .id_mapping = id_mapping_,
                   .registry = registry_,
                   .sessions = sessions_,
                   .user_data = {user_data_.begin(), user_data_.end()}};
    for (auto& [recipe_id, keeper] : credentials_) peers.credentials.emplace(recipe_id, keeper);
    service_ =
        std::make_unique<AccountsServiceImpl>(std::move(peers), [this] { settler_.NoteCutOff(); });
    handler_ = std::make_unique<v1::AccountsServiceHandler>(*service_);
    environment.jobs().Add({.name = "settle_logins",
                            .interval = host::LoginSettler::kInterval,
                            .first_after = host::LoginSettler::kInterval},
                           [this](absl::Time deadline) { return settler_.Run(deadline); });
  }

  std::vector<host::ExposedService> services() override {
    return {{handler_.get(), AccountsPolicy()}};
  }

 private:
  users::v1::LinkingServiceClient linking_;
  users::v1::IdMappingServiceClient id_mapping_;
  users::v1::RegistryServiceClient registry_;
  common::v1::UserDataServiceClient sessions_;
  std::deque<common::v1::UserDataServiceClient> user_data_;
  std::map<std::string, common::v1::CredentialsServiceClient, std::less<>> credentials_;
  host::LoginSettler settler_;
  std::unique_ptr<AccountsServiceImpl> service_;
  std::unique_ptr<v1::AccountsServiceHandler> handler_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<host::Component>> MakeAccountsComponent(
    host::Environment& environment) {
  return std::make_unique<AccountsComponent>(environment);
}

}  // namespace gatehouse::accounts
