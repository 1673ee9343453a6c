#include "services/saml/component.h"

#include <string>
#include <vector>

#include "gatehouse/tenants/v1/activity_log_service.rpc.h"
#include "gatehouse/tenants/v1/app_settings_service.rpc.h"
#include "libs/activity/activity_log.h"
#include "libs/config/process_config.h"
#include "libs/host/job_scheduler.h"
#include "services/saml/pg_cleanup.h"
#include "services/saml/pg_client_store.h"
#include "services/saml/pg_login_store.h"
#include "services/saml/policy.h"
#include "services/saml/saml_service.h"

namespace gatehouse::saml {
namespace {

constexpr absl::Duration kCleanUpInterval = absl::Hours(1);  // the original's
// Events may be missing from the audit log for this long.
constexpr absl::Duration kActivityFlushInterval = absl::Seconds(5);

Leniencies LenienciesOf(const config::ProcessConfig& config) {
  Leniencies leniencies;
  for (const std::string& name : config.saml_leniencies) {
    leniencies.any_request |= name == "ANY_REQUEST";
    leniencies.any_destination |= name == "ANY_DESTINATION";
    leniencies.weak_algorithms |= name == "WEAK_ALGORITHMS";
    leniencies.clock_drift |= name == "CLOCK_DRIFT";
  }
  return leniencies;
}

class SamlComponent final : public host::Component {
 public:
  explicit SamlComponent(host::Environment& environment)
      : settings_(environment.ChannelTo("tenants")),
        activity_log_service_(environment.ChannelTo("tenants")),
        activities_(activity_log_service_, environment.clock()),
        clients_(environment.databases()),
        logins_(environment.databases()),
        keys_(settings_, environment.clock()),
        sign_on_(clients_, logins_, keys_, environment.clock(), LenienciesOf(environment.config()),
                 environment.config().saml_public_url),
        service_(environment.tenants(), clients_, sign_on_, keys_, activities_,
                 environment.clock()) {
    environment.jobs().Add({.name = "saml_delete_expired",
                            .interval = kCleanUpInterval,
                            .first_after = kCleanUpInterval},
                           [&environment](absl::Time deadline) {
                             return DeleteExpired(environment.tenants(), environment.databases(),
                                                  environment.clock(), deadline);
                           });
    environment.jobs().Add({.name = "save_saml_activity",
                            .interval = kActivityFlushInterval,
                            .first_after = kActivityFlushInterval,
                            .time_limit = absl::Seconds(30)},
                           [this](absl::Time deadline) { return activities_.Flush(deadline); });
  }

  std::vector<host::ExposedService> services() override { return {{&handler_, SamlPolicy()}}; }
  void Drain(absl::Time deadline) override { activities_.Flush(deadline).IgnoreError(); }

 private:
  tenants::v1::AppSettingsServiceClient settings_;
  tenants::v1::ActivityLogServiceClient activity_log_service_;
  activity::ActivityLog activities_;
  PgClientStore clients_;
  PgLoginStore logins_;
  ServiceKeys keys_;
  SignOn sign_on_;
  SamlServiceImpl service_;
  v1::SamlServiceHandler handler_{service_};
};

}  // namespace

absl::StatusOr<std::unique_ptr<host::Component>> MakeSamlComponent(host::Environment& environment) {
  return std::make_unique<SamlComponent>(environment);
}

}  // namespace gatehouse::saml
