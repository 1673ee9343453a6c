#pragma once

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

// Runs periodic jobs, each on its own thread, so that a slow one delays no other. Thread-safe.
class JobScheduler {
 public:
  // A failure, whether a status or an exception, is logged, and the job runs again at its next
  // turn.
  using Job = std::function<absl::Status(absl::Time deadline)>;

  struct Options {
    std::string name;  // in logs
    absl::Duration interval;
    absl::Duration first_after;
    absl::Duration time_limit = absl::Minutes(5);
  };

  JobScheduler() = default;
  ~JobScheduler();  // Stop()

  // First run after `first_after`, then every `interval`, each up to 5 % later at random so that
  // instances spread out. Nothing runs before Start.
  void Add(Options options, Job job);
  void Start();
  // Starts no further run. Does not wait.
  void RequestStop();
  // The same, then waits for running jobs. Idempotent.
  void Stop();

 private:
  struct Entry {
    Options options;
    Job job;
  };
  void StartThread(Entry entry);

  std::mutex mutex_;
  std::vector<Entry> waiting_for_start_;
  bool started_ = false;
  bool stopping_ = false;
  std::vector<std::jthread> threads_;
};

// Runs `batch` in short transactions while it returns true (there is more to do), each under the
// advisory lock `name`: one instance works, and the others return OK at once.
absl::Status RunExclusively(db::Database& database, absl::Time deadline, const std::string& name,
                            absl::FunctionRef<absl::StatusOr<bool>(db::Transaction&)> batch);

}  // namespace gatehouse::host
