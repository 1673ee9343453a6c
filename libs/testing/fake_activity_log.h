#pragma once

#include <mutex>
#include <vector>

#include "gatehouse/tenants/v1/activity_log_service.rpc.h"

namespace gatehouse::testing {

// An audit log in memory. Thread-safe.
class FakeActivityLog final : public tenants::v1::ActivityLogService {
 public:
  absl::StatusOr<tenants::v1::AppendActivitiesResponse> AppendActivities(
      rpc::CallContext&, const tenants::v1::AppendActivitiesRequest& request) override {
    const std::lock_guard lock(mutex_);
    batches_.push_back(request.activities_size());
    if (!status.ok()) return status;
    for (const auto& activity : request.activities()) activities_.push_back(activity);
    return tenants::v1::AppendActivitiesResponse();
  }

  std::vector<tenants::v1::Activity> activities() {
    const std::lock_guard lock(mutex_);
    return activities_;
  }
  std::vector<int> batches() {
    const std::lock_guard lock(mutex_);
    return batches_;
  }

  absl::Status status;  // what calls return

 private:
  std::mutex mutex_;
  std::vector<tenants::v1::Activity> activities_;
  std::vector<int> batches_;
};

}  // namespace gatehouse::testing
