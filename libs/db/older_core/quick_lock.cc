#include "libs/db/older_core/quick_lock.h"

#include "absl/time/clock.h"
#include "libs/base/status.h"
#include "libs/base/steady_time.h"

namespace gatehouse::db {
namespace {

constexpr absl::Duration kPause = absl::Milliseconds(500);

}  // namespace

absl::Status LimitLockWaits(Transaction& transaction) {
  return transaction.ExecuteScript("SET LOCAL lock_timeout = '2s'");
}

absl::Status WithQuickLocks(Database& database, absl::Time deadline,
                            absl::FunctionRef<absl::Status(Transaction&)> body) {
  while (true) {
    const absl::Status status = database.Transact(deadline, body);
    if (DatabaseCause(status).find("55P03") == std::string::npos) return status;
    if (SteadyNow() + kPause >= deadline) {
      return absl::FailedPreconditionError(
          "a table could not be locked: other sessions use the tables all the time. Stop every "
          "other core, check pg_locks, and run it again");
    }
    absl::SleepFor(kPause);
  }
}

}  // namespace gatehouse::db
