#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace gatehouse::db {
class Database;
class Transaction;
}  // namespace gatehouse::db

namespace gatehouse::host {

// Runs periodic jobs, one at a time, on one background thread. Thread-safe.
class JobScheduler {
 public:
  using Job = std::function<absl::Status(absl::Time deadline)>;

  struct Options {
    std::string name;  // in logs
    absl::Duration interval;
    absl::Duration first_after;
    absl::Duration time_limit = absl::Minutes(5);
  };

  JobScheduler();
  // Waits for the job that runs.
  ~JobScheduler();

  // First run after `first_after`, then every `interval`, each up to 5 % later at random so that
  // instances spread out.
  void Add(Options options, Job job);
  void Start();
  void Stop();

 private:
  struct Entry {
    Options options;
    Job job;
    absl::Time next;
  };
  void Run();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Entry> entries_;
  bool stopping_ = false;
  std::thread thread_;
};

// Runs `batch` in short transactions while it returns true (there is more to do), each under the
// advisory lock `name`: of several instances one works, and the others return OK at once.
absl::Status RunExclusively(db::Database& database, absl::Time deadline, const std::string& name,
                            absl::FunctionRef<absl::StatusOr<bool>(db::Transaction&)> batch);

}  // namespace gatehouse::host
