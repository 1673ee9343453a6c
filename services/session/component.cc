#include "services/session/component.h"

#include "gatehouse/common/v1/user_data_service.rpc.h"
#include "gatehouse/jwks/v1/jwks_service.rpc.h"
#include "gatehouse/tenants/v1/activity_log_service.rpc.h"
#include "gatehouse/tenants/v1/app_settings_service.rpc.h"
#include "gatehouse/users/v1/registry_service.rpc.h"
#include "libs/activity/activity_log.h"
#include "libs/config/process_config.h"
#include "libs/host/job_scheduler.h"
#include "libs/rpc/user_data_policy.h"
#include "services/session/pg_session_cleanup.h"
#include "services/session/pg_session_store.h"
#include "services/session/policy.h"
#include "services/session/session_service.h"

namespace gatehouse::session {
namespace {

constexpr absl::Duration kCleanUpInterval = absl::Hours(12);
// Events may be missing from the audit log for this long.
constexpr absl::Duration kActivityFlushInterval = absl::Seconds(5);
// After a fault, for clients that retry at another instance: well within a grace period.
constexpr absl::Duration kSettleInterval = absl::Seconds(2);

class SessionComponent final : public host::Component {
 public:
  explicit SessionComponent(host::Environment& environment)
      : jwks_(environment.ChannelTo("jwks")),
        settings_(environment.ChannelTo("tenants")),
        registry_(environment.ChannelTo("users")),
        tenants_(environment.tenants()),
        store_(environment.databases()),
        keys_(jwks_, environment.clock()),
        master_keys_(settings_),
        users_(registry_, tenants_, environment.clock(), environment.config().test_mode),
        activity_log_service_(environment.ChannelTo("tenants")),
        activities_(activity_log_service_, environment.clock()),
        service_({environment.tenants(), store_, keys_, master_keys_, users_, untold_, activities_,
                  environment.clock()}),
        handler_(service_) {
    environment.jobs().Add({.name = "session_delete_expired",
                            .interval = kCleanUpInterval,
                            .first_after = kCleanUpInterval},
                           [&environment](absl::Time deadline) {
                             return DeleteExpiredSessions(environment.tenants(),
                                                          environment.databases(),
                                                          environment.clock(), deadline);
                           });
    environment.jobs().Add(
        {.name = "settle_refreshes",
         .interval = kSettleInterval,
         .first_after = kSettleInterval,
         .time_limit = absl::Seconds(30)},
        [this](absl::Time deadline) { return untold_.Settle(tenants_, store_, deadline); });
    environment.jobs().Add({.name = "save_session_activity",
                            .interval = kActivityFlushInterval,
                            .first_after = kActivityFlushInterval,
                            .time_limit = absl::Seconds(30)},
                           [this](absl::Time deadline) { return activities_.Flush(deadline); });
  }

  void Drain(absl::Time deadline) override {
    untold_.Settle(tenants_, store_, deadline).IgnoreError();
    activities_.Flush(deadline).IgnoreError();
  }

  std::vector<host::ExposedService> services() override {
    return {{&handler_, SessionServicePolicy()}, {&user_data_handler_, rpc::UserDataPolicy()}};
  }

 private:
  jwks::v1::JwksServiceClient jwks_;
  tenants::v1::AppSettingsServiceClient settings_;
  users::v1::RegistryServiceClient registry_;
  tenancy::TenantDirectory& tenants_;
  PgSessionStore store_;
  KeyCache keys_;
  MasterKeys master_keys_;
  UserDirectory users_;
  UntoldRotations untold_;
  tenants::v1::ActivityLogServiceClient activity_log_service_;
  activity::ActivityLog activities_;
  SessionService service_;
  v1::SessionServiceHandler handler_;
  common::v1::UserDataServiceHandler user_data_handler_{service_};
};

}  // namespace

absl::StatusOr<std::unique_ptr<host::Component>> MakeSessionComponent(
    host::Environment& environment) {
  return std::make_unique<SessionComponent>(environment);
}

}  // namespace gatehouse::session
