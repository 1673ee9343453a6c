#include "services/tenants/component.h"

#include <set>
#include <string>
#include <utility>

#include "libs/base/status.h"
#include "libs/base/steady_time.h"
#include "libs/config/process_config.h"
#include "libs/db/database.h"
#include "libs/host/job_scheduler.h"
#include "libs/telemetry/log.h"
#include "libs/tenancy/tenant_databases.h"
#include "libs/tenancy/tenant_directory.h"
#include "services/tenants/activity_log_service.h"
#include "services/tenants/app_settings_service.h"
#include "services/tenants/catalogue.h"
#include "services/tenants/directory_service.h"
#include "services/tenants/pg_activity_log_store.h"
#include "services/tenants/pg_app_settings_store.h"
#include "services/tenants/pg_tenant_storages.h"
#include "services/tenants/pg_tenant_store.h"
#include "services/tenants/policy.h"
#include "services/tenants/tenant_manager.h"
#include "services/tenants/tenants_service.h"

namespace gatehouse::tenants {
namespace {

// A SuperTokens core alongside us sends no notifications; it polls every 60 s itself.
constexpr absl::Duration kPollInterval = absl::Seconds(60);
constexpr absl::Duration kReloadTimeout = absl::Seconds(30);
constexpr absl::Duration kActivityLogInterval = absl::Hours(24);  // the original's
// Bringing up all tables of one more database.
constexpr absl::Duration kPrepareTimeout = absl::Minutes(5);

void LogFailure(std::string_view event, const absl::Status& status) {
  if (status.ok()) return;
  telemetry::Log(telemetry::LogLevel::kWarn, event,
                 {{"reason", ErrorReasonName(ReasonOf(status))}});
}

class TenantsComponent final : public host::Component {
 public:
  TenantsComponent(host::Environment& env, std::unique_ptr<Catalogue> catalogue)
      : env_(env),
        catalogue_(std::move(catalogue)),
        store_(env.databases().Base()),
        storages_(env.databases(), env.clock()),
        settings_store_(env.databases()),
        manager_(store_, storages_, *catalogue_, env.clock()),
        tenants_service_(env.tenants(), *catalogue_, manager_, store_, storages_),
        directory_service_(*catalogue_, manager_, store_),
        settings_service_(env.tenants(), settings_store_, env.clock()),
        activity_store_(env.databases(), env.clock()),
        activity_service_(env.tenants(), activity_store_) {}

  absl::Status Load() {
    const absl::Time deadline = SteadyNow() + kReloadTimeout;
    RETURN_IF_ERROR(store_.EnsureBaseTenant(deadline, env_.clock().NowMs()));
    return manager_.ReloadAll(deadline);
  }

  std::vector<host::ExposedService> services() override {
    return {{&tenants_handler_, TenantsPolicy()},
            {&directory_handler_, DirectoryPolicy()},
            {&settings_handler_, AppSettingsPolicy()},
            {&activity_handler_, ActivityLogPolicy()}};
  }

  void Reload(const config::ProcessConfig& config) override { catalogue_->SetBase(config.base); }

  absl::Status Start() override {
    ASSIGN_OR_RETURN(subscription_,
                     store_.Listen(
                         [this](const common::v1::Scope& scope) {
                           LogFailure("tenant_reload_failed",
                                      manager_.Reload(SteadyNow() + kReloadTimeout, scope));
                         },
                         [this] {
                           LogFailure("tenants_reload_failed",
                                      manager_.ReloadAll(SteadyNow() + kReloadTimeout));
                         }));
    env_.jobs().Add({.name = "tenants_poll",
                     .interval = kPollInterval,
                     .first_after = kPollInterval,
                     .time_limit = kReloadTimeout},
                    [this](absl::Time deadline) {
                      const absl::Status status = manager_.ReloadAll(deadline);
                      // Another replica may know changes that this one can't see.
                      if (!status.ok()) catalogue_->SendRemoteWatchersAway();
                      return status;
                    });
    // Tenants' own databases may lack what this build's migrations add. A database that is down
    // must not keep the others from starting: it is tried again every hour.
    env_.jobs().Add({.name = "tenants_prepare_databases",
                     .interval = absl::Hours(1),
                     .first_after = absl::ZeroDuration(),
                     .time_limit = kPrepareTimeout},
                    [this](absl::Time deadline) { return PrepareDatabases(deadline); });
    env_.jobs().Add({.name = "tenants_maintain_activity_log",
                     .interval = kActivityLogInterval,
                     .first_after = kActivityLogInterval},
                    [this](absl::Time deadline) {
                      return activity_store_.CleanUp(deadline, env_.tenants());
                    });
    return absl::OkStatus();
  }

 private:
  absl::Status PrepareDatabases(absl::Time deadline) {
    absl::Status outcome;
    for (const tenancy::TenantPtr& tenant : env_.tenants().All()) {
      if (tenant->storage_id.empty()) continue;
      outcome.Update(storages_.Prepare(deadline, *tenant, env_.clock().NowMs()));
    }
    return outcome;
  }

  host::Environment& env_;
  const std::unique_ptr<Catalogue> catalogue_;
  PgTenantStore store_;
  PgTenantStorages storages_;
  PgAppSettingsStore settings_store_;
  TenantManager manager_;
  TenantsService tenants_service_;
  DirectoryService directory_service_;
  AppSettingsService settings_service_;
  PgActivityLogStore activity_store_;
  ActivityLogServiceImpl activity_service_;
  v1::TenantsServiceHandler tenants_handler_{tenants_service_};
  v1::TenantDirectoryServiceHandler directory_handler_{directory_service_};
  v1::AppSettingsServiceHandler settings_handler_{settings_service_};
  v1::ActivityLogServiceHandler activity_handler_{activity_service_};
  std::unique_ptr<db::Subscription> subscription_;  // ends first: its callbacks use the rest
};

}  // namespace

absl::StatusOr<std::unique_ptr<host::Component>> MakeTenantsComponent(host::Environment& env) {
  ASSIGN_OR_RETURN(auto catalogue, Catalogue::Create(env.config().base));
  auto component = std::make_unique<TenantsComponent>(env, std::move(catalogue));
  RETURN_IF_ERROR(component->Load());
  return component;
}

}  // namespace gatehouse::tenants
