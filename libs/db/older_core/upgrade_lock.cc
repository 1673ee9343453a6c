#include "libs/db/older_core/upgrade_lock.h"

#include <string_view>
#include <utility>

#include "absl/time/clock.h"
#include "libs/base/status.h"
#include "libs/base/steady_time.h"

namespace gatehouse::db {
namespace {

// Not waited for in the server: the snapshot of a waiting statement would keep the lock's holder
// from building indexes.
constexpr Statement kLock = {"older_core_lock",
                             "SELECT pg_try_advisory_xact_lock(hashtext('gatehouse_upgrade'))"};
constexpr absl::Duration kPause = absl::Milliseconds(200);
// Also ends the previous statement, with its snapshot.
constexpr std::string_view kHold = "SET LOCAL idle_in_transaction_session_timeout = 0";

}  // namespace

absl::StatusOr<std::unique_ptr<UpgradeLock>> UpgradeLock::Take(const DatabaseOptions& options,
                                                               absl::Time deadline) {
  std::unique_ptr<UpgradeLock> lock(new UpgradeLock);
  DatabaseOptions own = options;
  own.pool_size = 1;
  own.min_idle = 0;
  ASSIGN_OR_RETURN(lock->database_, Database::Create(std::move(own)));
  absl::Notification settled;
  absl::Status status;
  lock->holder_ = std::thread([&settled, &status, deadline, held = lock.get()] {
    bool taken = false;
    while (!taken) {
      const absl::Status outcome =
          held->database_->Transact(deadline, [&](Transaction& transaction) -> absl::Status {
            ASSIGN_OR_RETURN(const Result lock, transaction.Execute(kLock));
            RETURN_IF_ERROR(transaction.ExecuteScript(kHold));
            if (!lock.front().Bool(0)) return absl::OkStatus();
            if (!std::exchange(taken, true)) settled.Notify();
            held->done_.WaitForNotificationWithTimeout(deadline - SteadyNow());
            return absl::OkStatus();
          });
      if (taken) return;  // `settled` and `status` are gone
      if (!outcome.ok()) {
        status = outcome;
        settled.Notify();
        return;
      }
      absl::SleepFor(kPause);
    }
  });
  settled.WaitForNotification();
  if (!status.ok()) return status;
  return lock;
}

UpgradeLock::~UpgradeLock() {
  done_.Notify();
  if (holder_.joinable()) holder_.join();
}

}  // namespace gatehouse::db
