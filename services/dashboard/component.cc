#include "services/dashboard/component.h"

#include "gatehouse/dashboard/v1/core_config_service.rpc.h"
#include "gatehouse/dashboard/v1/dashboard_session_service.rpc.h"
#include "gatehouse/dashboard/v1/dashboard_user_service.rpc.h"
#include "libs/host/job_scheduler.h"
#include "libs/passwords/password_hasher.h"
#include "services/dashboard/core_config_service.h"
#include "services/dashboard/dashboard_session_service.h"
#include "services/dashboard/dashboard_user_service.h"
#include "services/dashboard/dashboard_users.h"
#include "services/dashboard/pg_dashboard_store.h"
#include "services/dashboard/pg_session_cleanup.h"
#include "services/dashboard/policy.h"

namespace gatehouse::dashboard {
namespace {

constexpr absl::Duration kCleanUpInterval = absl::Hours(12);  // the original's

// Few people use a dashboard. Threads of their own, so that a storm of users' sign-ins does not
// keep them out, and a storm of theirs takes one processor at most.
constexpr passwords::PooledPasswordHasher::Sizes kHashing = {
    .bcrypt_threads = 1, .argon2_threads = 1, .firebase_threads = 1, .max_queued = 100};

class DashboardComponent final : public host::Component {
 public:
  explicit DashboardComponent(host::Environment& environment)
      : store_(environment.databases()),
        hasher_(kHashing),
        users_(store_, hasher_, environment.clock()),
        user_service_(environment.tenants(), users_, store_),
        session_service_(environment.tenants(), store_, environment.clock()),
        core_config_service_(environment.tenants()) {
    environment.jobs().Add(
        {.name = "dashboard_delete_expired_sessions",
         .interval = kCleanUpInterval,
         .first_after = kCleanUpInterval},
        [&environment](absl::Time deadline) {
          return DeleteExpiredSessions(environment.tenants(), environment.databases(),
                                       environment.clock(), deadline);
        });
  }

  std::vector<host::ExposedService> services() override {
    return {{&user_handler_, DashboardUserPolicy(), "passwords"},
            {&session_handler_, DashboardSessionPolicy()},
            {&core_config_handler_, CoreConfigPolicy()}};
  }

  void CutOff() override { hasher_.CutOff(); }

 private:
  PgDashboardStore store_;
  passwords::PooledPasswordHasher hasher_;
  DashboardUsers users_;
  DashboardUserServiceImpl user_service_;
  DashboardSessionServiceImpl session_service_;
  CoreConfigServiceImpl core_config_service_;
  v1::DashboardUserServiceHandler user_handler_{user_service_};
  v1::DashboardSessionServiceHandler session_handler_{session_service_};
  v1::CoreConfigServiceHandler core_config_handler_{core_config_service_};
};

}  // namespace

absl::StatusOr<std::unique_ptr<host::Component>> MakeDashboardComponent(
    host::Environment& environment) {
  return std::make_unique<DashboardComponent>(environment);
}

}  // namespace gatehouse::dashboard
