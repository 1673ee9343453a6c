#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gatehouse/common/v1/scope.pb.h"
#include "gatehouse/tenants/v1/tenant.pb.h"

namespace gatehouse::tenancy {

// Asks the tenants service for tenants by name: one call at a time, for all waiting callers. So
// whatever names strangers send, they cost one statement at a time, and no caller waits longer than
// for the current call and the next. Thread-safe.
class TenantLookups {
 public:
  using Record = gatehouse::tenants::v1::Tenant;
  // Records of those names that exist. May block.
  using Fetch = std::function<absl::StatusOr<std::vector<Record>>(
      const std::vector<common::v1::Scope>& names, absl::Time deadline)>;
  // Called once, on the thread of the look-ups or on the one that stops them. Must not block.
  using Done = std::function<void(absl::StatusOr<std::vector<Record>>)>;

  explicit TenantLookups(Fetch fetch);
  ~TenantLookups();
  TenantLookups(const TenantLookups&) = delete;
  TenantLookups& operator=(const TenantLookups&) = delete;

  // A few names. kDeadlineExceeded when it has passed before they are looked up, kDependencyDown
  // after Stop, kOverloaded when more wait than a process has connections.
  void Ask(std::vector<common::v1::Scope> names, absl::Time deadline, Done done);
  // Waiting callers get kDependencyDown. Waits for the current call.
  void Stop();

 private:
  struct Question {
    std::vector<common::v1::Scope> names;
    std::vector<std::string> keys;
    absl::Time deadline;
    Done done;
  };

  void Run(std::stop_token stop);
  void Answer(std::vector<Question> questions);

  const Fetch fetch_;
  std::mutex mutex_;
  std::condition_variable_any asked_;
  std::deque<Question> waiting_;
  bool stopped_ = false;
  std::jthread thread_;
};

}  // namespace gatehouse::tenancy
