#pragma once

#include <memory>
#include <thread>

#include "absl/status/statusor.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "libs/db/database.h"

namespace gatehouse::db {

// Lets one process at a time upgrade a database's tables. Held on its own connection, in a
// transaction without a snapshot, so that indexes can be built concurrently meanwhile.
class UpgradeLock {
 public:
  // Waits until `deadline`, at which the lock ends at the latest, too.
  static absl::StatusOr<std::unique_ptr<UpgradeLock>> Take(const DatabaseOptions& options,
                                                           absl::Time deadline);
  ~UpgradeLock();
  UpgradeLock(const UpgradeLock&) = delete;
  UpgradeLock& operator=(const UpgradeLock&) = delete;

 private:
  UpgradeLock() = default;

  std::unique_ptr<Database> database_;
  absl::Notification done_;
  std::thread holder_;
};

}  // namespace gatehouse::db
