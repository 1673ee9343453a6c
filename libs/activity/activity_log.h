#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gatehouse/tenants/v1/activity_log_service.pb.h"
#include "libs/base/clock.h"
#include "libs/tenancy/tenant_directory.h"

namespace gatehouse::tenants::v1 {
class ActivityLogService;
}

namespace gatehouse::activity {

// An event and its user. Ids are internal.
struct Activity {
  std::string_view event_type;  // such as "session_created"
  std::string_view recipe_user_id;
  std::string_view primary_or_recipe_user_id;
  std::string_view auth_principal = {};  // the kind of `identifier`, such as "email"
  std::string_view identifier = {};
};

// Writes the audit log, table activity_log, through the tenants service: in memory first, then in
// batches, so that no request waits for it. Best effort, as in the original. Thread-safe; bounded.
class ActivityLog {
 public:
  // Both outlive the log.
  ActivityLog(tenants::v1::ActivityLogService& service, const Clock& clock)
      : service_(service), clock_(clock) {}

  // Records what just happened in `tenant`. Dropped while too many wait to be written.
  void Add(const tenancy::Tenant& tenant, const Activity& activity);

  // Writes the recorded events. Run periodically. Events that can't be written are dropped: a
  // second attempt could write them twice.
  absl::Status Flush(absl::Time deadline);

 private:
  tenants::v1::ActivityLogService& service_;
  const Clock& clock_;
  std::mutex mutex_;
  std::deque<tenants::v1::Activity> waiting_;
  int64_t dropped_ = 0;  // since the last flush
};

}  // namespace gatehouse::activity
