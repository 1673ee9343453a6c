#include "services/users/user_topics_component.h"

#include <string>

#include "libs/base/status.h"
#include "libs/db/database.h"
#include "libs/host/each_database.h"
#include "libs/host/job_scheduler.h"
#include "libs/tenancy/tenant_databases.h"
#include "libs/tenancy/tenant_directory.h"
#include "services/users/policy.h"

namespace gatehouse::users {
namespace {

constexpr absl::Duration kCleanUpInterval = absl::Hours(12);  // the original's
constexpr int kCleanUpBatch = 1000;
constexpr char kCleanUpJob[] = "delete_expired_email_verification_tokens";

}  // namespace

UserTopics::UserTopics(host::Environment& environment, PgUserStore& users,
                       ActivityRecorder& activity)
    : environment_(environment),
      linking_store_(environment.databases()),
      id_mapping_store_(environment.databases()),
      email_verification_store_(environment.databases()),
      metadata_store_(environment.databases()),
      email_verification_(email_verification_store_, environment.clock()),
      linking_(environment.tenants(), users, linking_store_, activity),
      id_mapping_(environment.tenants(), id_mapping_store_),
      email_verification_service_(environment.tenants(), users, email_verification_store_,
                                  email_verification_),
      metadata_(environment.tenants(), users, metadata_store_) {
  environment.jobs().Add(
      {.name = kCleanUpJob, .interval = kCleanUpInterval, .first_after = kCleanUpInterval},
      [this](absl::Time deadline) { return DeleteExpiredTokens(deadline); });
}

std::vector<host::ExposedService> UserTopics::services() {
  return {{&linking_handler_, LinkingPolicy()},
          {&id_mapping_handler_, IdMappingPolicy()},
          {&email_verification_handler_, EmailVerificationPolicy()},
          {&metadata_handler_, MetadataPolicy()}};
}

absl::Status UserTopics::DeleteExpiredTokens(absl::Time deadline) {
  return host::CleanUpDatabases(
      environment_.tenants(), environment_.databases(), kCleanUpJob, deadline,
      [&](db::Transaction& transaction) -> absl::StatusOr<bool> {
        ASSIGN_OR_RETURN(const int64_t deleted,
                         DeleteExpiredEmailVerificationTokens(
                             transaction, environment_.clock().NowMs(), kCleanUpBatch));
        return deleted == kCleanUpBatch;
      });
}

}  // namespace gatehouse::users
