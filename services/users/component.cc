#include "services/users/component.h"

#include "gatehouse/tenants/v1/activity_log_service.rpc.h"
#include "libs/activity/activity_log.h"
#include "libs/base/status.h"
#include "libs/config/process_config.h"
#include "libs/db/database.h"
#include "libs/host/each_database.h"
#include "libs/host/job_scheduler.h"
#include "libs/tenancy/tenant_databases.h"
#include "libs/tenancy/tenant_directory.h"
#include "services/users/backfill/pg_check_databases.h"
#include "services/users/emailpassword/emailpassword_service.h"
#include "services/users/emailpassword/pg_emailpassword_store.h"
#include "services/users/listing/pg_listing_store.h"
#include "services/users/listing/pg_settle_users.h"
#include "services/users/listing/settle_period.h"
#include "services/users/listing/user_directory_service.h"
#include "services/users/policy.h"
#include "services/users/registry/pg_activity_store.h"
#include "services/users/registry/pg_user_store.h"
#include "services/users/registry/registry_service.h"
#include "services/users/user_topics_component.h"
#include "services/users/userimport/pg_user_import_store.h"
#include "services/users/userimport/user_import_service.h"

namespace gatehouse::users {
namespace {

// Last-active times may be this old in the database.
constexpr absl::Duration kActivityFlushInterval = absl::Seconds(5);
// Lists and counts may be off for this long after a tenant was removed while its users were
// changed.
constexpr absl::Duration kSettleInterval = absl::Seconds(10);
constexpr absl::Duration kTokenCleanUpInterval = absl::Hours(1);  // the original's
constexpr int kCleanUpBatch = 1000;
// Passwords that are imported in plain text are hashed one at a time, so that sign-ins, which have
// threads of their own, keep most of the machine.
constexpr passwords::PooledPasswordHasher::Sizes kImportHashing = {
    .bcrypt_threads = 1, .argon2_threads = 1, .firebase_threads = 1, .max_queued = 1000};

class UsersComponent final : public host::Component {
 public:
  explicit UsersComponent(host::Environment& environment)
      : environment_(environment),
        users_(environment.databases()),
        activity_store_(environment.databases()),
        activity_log_service_(environment.ChannelTo("tenants")),
        activity_log_(activity_log_service_, environment.clock()),
        activity_(activity_store_, activity_log_, environment.clock()),
        emailpassword_store_(environment.databases()),
        hasher_(*environment.config().core),
        emailpassword_(emailpassword_store_, users_, hasher_, environment.clock()),
        listing_(environment.databases()),
        registry_service_(environment.tenants(), users_, activity_, environment.clock()),
        emailpassword_service_(environment.tenants(), emailpassword_, activity_),
        directory_service_(environment.tenants(), users_, listing_, activity_, environment.clock()),
        import_store_(environment.databases()),
        import_service_(environment.tenants(), users_, import_store_, import_hasher_),
        registry_handler_(registry_service_),
        emailpassword_handler_(emailpassword_service_),
        directory_handler_(directory_service_),
        import_handler_(import_service_),
        topics_(environment, users_, activity_) {
    environment.jobs().Add({.name = "save_user_activity",
                            .interval = kActivityFlushInterval,
                            .first_after = kActivityFlushInterval,
                            .time_limit = absl::Seconds(30)},
                           [this](absl::Time deadline) { return SaveActivity(deadline); });
    environment.jobs().Add({.name = "delete_expired_password_reset_tokens",
                            .interval = kTokenCleanUpInterval,
                            .first_after = kTokenCleanUpInterval},
                           [this](absl::Time deadline) { return DeleteExpiredTokens(deadline); });
    environment.jobs().Add(
        {.name = "settle_listed_users", .interval = kSettleInterval, .first_after = kSettleInterval},
        [this](absl::Time deadline) { return SettleUsers(deadline); });
  }

  std::vector<host::ExposedService> services() override {
    std::vector<host::ExposedService> services = topics_.services();
    services.push_back({&registry_handler_, RegistryPolicy()});
    services.push_back({&emailpassword_handler_, EmailPasswordPolicy(), "passwords"});
    services.push_back({&directory_handler_, UserDirectoryPolicy()});
    services.push_back({&import_handler_, UserImportPolicy(), "import"});
    return services;
  }

  absl::Status CheckData(absl::Time deadline) override {
    return CheckDatabases(environment_.tenants(), environment_.databases(), deadline);
  }

  void Drain(absl::Time deadline) override { SaveActivity(deadline).IgnoreError(); }
  void CutOff() override {
    hasher_.CutOff();
    import_hasher_.CutOff();
  }

 private:
  absl::Status SaveActivity(absl::Time deadline) {
    absl::Status saved = activity_.Flush(deadline);
    saved.Update(activity_log_.Flush(deadline));
    return saved;
  }

  absl::Status DeleteExpiredTokens(absl::Time deadline) {
    return host::CleanUpDatabases(
        environment_.tenants(), environment_.databases(), "delete_expired_password_reset_tokens",
        deadline, [&](db::Transaction& transaction) -> absl::StatusOr<bool> {
          ASSIGN_OR_RETURN(
              const int64_t deleted,
              DeleteExpiredResetTokens(transaction, environment_.clock().NowMs(), kCleanUpBatch));
          return deleted == kCleanUpBatch;
        });
  }

  // In every instance: each settles what no other is working on.
  absl::Status SettleUsers(absl::Time deadline) {
    if (!settle_period_.Due(environment_.tenants().removals(), environment_.clock().NowMs())) {
      return absl::OkStatus();
    }
    const absl::Status settled =
        host::InEachDatabase(environment_.tenants(), environment_.databases(),
                             [&](db::Database& database, const tenancy::Tenant&) {
                               return SettleListedUsers(database, deadline);
                             });
    if (!settled.ok()) settle_period_.Extend(environment_.clock().NowMs());
    return settled;
  }

  host::Environment& environment_;
  PgUserStore users_;
  PgActivityStore activity_store_;
  tenants::v1::ActivityLogServiceClient activity_log_service_;
  activity::ActivityLog activity_log_;
  ActivityRecorder activity_;
  PgEmailPasswordStore emailpassword_store_;
  passwords::PooledPasswordHasher hasher_;
  EmailPassword emailpassword_;
  PgListingStore listing_;
  RegistryServiceImpl registry_service_;
  EmailPasswordServiceImpl emailpassword_service_;
  UserDirectoryServiceImpl directory_service_;
  passwords::PooledPasswordHasher import_hasher_{kImportHashing};
  PgUserImportStore import_store_;
  UserImportServiceImpl import_service_;
  v1::RegistryServiceHandler registry_handler_;
  v1::EmailPasswordServiceHandler emailpassword_handler_;
  v1::UserDirectoryServiceHandler directory_handler_;
  v1::UserImportServiceHandler import_handler_;
  UserTopics topics_;
  SettlePeriod settle_period_;  // used by the job only
};

}  // namespace

absl::StatusOr<std::unique_ptr<host::Component>> MakeUsersComponent(
    host::Environment& environment) {
  return std::make_unique<UsersComponent>(environment);
}

}  // namespace gatehouse::users
