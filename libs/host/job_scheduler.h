#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace gatehouse::db {
class Database;
}

namespace gatehouse::host {

// Runs periodic jobs on one background thread. Thread-safe. Jobs added before Start run first after
// their `first_after`, then every `interval` (plus up to 5 % so that instances spread out).
class JobScheduler {
 public:
  using Job = std::function<absl::Status(absl::Time deadline)>;

  struct Options {
    std::string name;         // of the job, in logs and metrics
    absl::Duration interval;
    absl::Duration first_after;
    absl::Duration time_limit = absl::Minutes(5);
  };

  virtual ~JobScheduler() = default;
  virtual void Add(Options options, Job job) = 0;
};

// Runs `body` while holding the advisory lock `name` in `database`, so that one instance at a time
// does the work; OK without running it when another instance holds the lock.
absl::Status RunExclusively(db::Database& database, absl::Time deadline, const std::string& name,
                            const std::function<absl::Status()>& body);

}  // namespace gatehouse::host
