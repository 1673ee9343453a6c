#include "services/accounts/component.h"

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/base/service_table.h"
#include "libs/config/process_config.h"
#include "libs/host/job_scheduler.h"
#include "libs/host/login_faults.h"
#include "libs/telemetry/metrics.h"
#include "services/accounts/accounts_service.h"
#include "services/accounts/bulkimport/pg_bulk_import_job.h"
#include "services/accounts/bulkimport/bulk_import_service.h"
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
        user_import_(environment.ChannelTo("users")),
        roles_(environment.ChannelTo("roles")),
        totp_(environment.ChannelTo("totp")),
        waiting_users_(environment.databases()),
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
    const ImportPeers import = {
        .users = user_import_, .roles = roles_, .totp = totp_, .others = peers};
    job_ = std::make_unique<BulkImportJob>(
        environment.tenants(), environment.databases(), import, environment.clock(), counts_,
        environment.config().bulk_migration_cron_enabled ? Waiting::kAll : Waiting::kBegun);
    bulk_import_ = std::make_unique<BulkImportServiceImpl>(environment.tenants(), waiting_users_,
                                                           import, environment.clock(),
                                                           [this] { job_->NoteAdded(); });
    bulk_import_handler_ = std::make_unique<v1::BulkImportServiceHandler>(*bulk_import_);
    AddImportJob(environment);
    service_ =
        std::make_unique<AccountsServiceImpl>(std::move(peers), [this] { settler_.NoteCutOff(); });
    handler_ = std::make_unique<v1::AccountsServiceHandler>(*service_);
    environment.jobs().Add({.name = "settle_logins",
                            .interval = host::LoginSettler::kInterval,
                            .first_after = host::LoginSettler::kInterval},
                           [this](absl::Time deadline) { return settler_.Run(deadline); });
  }

  std::vector<host::ExposedService> services() override {
    return {{handler_.get(), AccountsPolicy()},
            {bulk_import_handler_.get(), BulkImportPolicy(), "bulk_import"}};
  }

  void Drain(absl::Time /*deadline*/) override { job_->Stop(); }
  void CutOff() override { job_->Stop(); }

 private:
  void AddImportJob(host::Environment& environment) {
    environment.jobs().Add({.name = "bulk_import",
                            .interval = BulkImportJob::kInterval,
                            .first_after = BulkImportJob::kInterval},
                           [this](absl::Time /*deadline*/) { return job_->Run(); });
    const auto add = [&](std::string_view name, std::string_view help,
                         std::atomic<int64_t> ImportCounts::*count) {
      environment.metrics().AddCounter(name, help, [counts = counts_, count] {
        return static_cast<double>((counts.get()->*count).load());
      });
    };
    add("bulk_import_imported_total", "Users that the job has imported", &ImportCounts::imported);
    add("bulk_import_failed_total", "Users that can't be imported", &ImportCounts::failed);
    add("bulk_import_put_off_total",
        "Imports of a user that ended with a passing fault, to be tried again",
        &ImportCounts::put_off);
  }

  users::v1::LinkingServiceClient linking_;
  users::v1::IdMappingServiceClient id_mapping_;
  users::v1::RegistryServiceClient registry_;
  common::v1::UserDataServiceClient sessions_;
  std::deque<common::v1::UserDataServiceClient> user_data_;
  std::map<std::string, common::v1::CredentialsServiceClient, std::less<>> credentials_;
  users::v1::UserImportServiceClient user_import_;
  roles::v1::RolesServiceClient roles_;
  totp::v1::TotpServiceClient totp_;
  PgBulkImportStore waiting_users_;
  host::LoginSettler settler_;
  const std::shared_ptr<ImportCounts> counts_ = std::make_shared<ImportCounts>();
  std::unique_ptr<BulkImportJob> job_;
  std::unique_ptr<BulkImportServiceImpl> bulk_import_;
  std::unique_ptr<v1::BulkImportServiceHandler> bulk_import_handler_;
  std::unique_ptr<AccountsServiceImpl> service_;
  std::unique_ptr<v1::AccountsServiceHandler> handler_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<host::Component>> MakeAccountsComponent(
    host::Environment& environment) {
  return std::make_unique<AccountsComponent>(environment);
}

}  // namespace gatehouse::accounts
