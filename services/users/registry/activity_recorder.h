#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/activity/activity_log.h"
#include "libs/base/clock.h"
#include "services/users/request_scope.h"

namespace gatehouse::users {

// Stores last-active times. Implemented over PostgreSQL by PgActivityStore.
class ActivityStore {
 public:
  virtual ~ActivityStore() = default;
  struct Entry {
    std::string app_id;
    std::string user_id;
    int64_t time_ms;
  };
  // Upserts; a later time wins. `scope` only identifies the database.
  virtual absl::Status Save(const Where& scope, const std::vector<Entry>& entries) = 0;
  virtual absl::Status Remove(const Where& scope, const std::vector<std::string>& user_ids) = 0;
  virtual absl::StatusOr<int64_t> CountSince(const Where& scope, int64_t since_ms) = 0;
};

// Records active users in memory, and saves them in batches: best effort, and no request waits for
// it. Thread-safe; bounded.
class ActivityRecorder {
 public:
  // All outlive the recorder. What is recorded goes into the audit log, too.
  ActivityRecorder(ActivityStore& store, activity::ActivityLog& log, const Clock& clock)
      : store_(store), log_(log), clock_(clock) {}

  // `scope` is the app's public tenant, whose database holds last-active times; `user_id` is
  // internal. A user is recorded once in five minutes, as in the original; always in test mode.
  void Note(const Where& scope, std::string_view user_id);
  // Records a sign-up or sign-in in `tenant`, and its primary user as above.
  void NoteSignIn(const Where& scope, const tenancy::Tenant& tenant,
                  const activity::Activity& activity);
  // Drops unsaved entries of users just removed from the database of `user`. That transaction has
  // deleted the saved ones, unless `scope` is of another database: then this does.
  absl::Status Forget(const Where& scope, const Where& user,
                      const std::vector<std::string>& user_ids);
  // Saves what was recorded; what can't be saved is kept for the next time. Run periodically.
  absl::Status Flush(absl::Time deadline);
  // Exact as far as this process knows: first saves what was recorded for the database in question,
  // and waits for no other.
  absl::StatusOr<int64_t> CountSince(const Where& scope, int64_t since_ms);

 private:
  struct Pending {
    tenancy::TenantPtr tenant;                                     // any of the database's
    std::map<std::pair<std::string, std::string>, int64_t> times;  // (app, user) to time
  };

  absl::Status FlushOnly(const std::string& storage_id, absl::Time deadline);
  // Of a flush that was counted in flushes_.
  absl::Status Save(std::unordered_map<std::string, Pending> taken, absl::Time deadline);
  // Records again what could not be saved.
  void TakeBack(const std::string& storage_id, const tenancy::TenantPtr& tenant,
                const std::vector<ActivityStore::Entry>& entries);

  ActivityStore& store_;
  activity::ActivityLog& log_;
  const Clock& clock_;
  std::mutex mutex_;
  std::unordered_map<std::string, int64_t> last_noted_;  // app|user to time
  std::unordered_map<std::string, Pending> pending_;     // by storage id
  size_t pending_count_ = 0;
  int flushes_ = 0;                                          // running now
  std::set<std::pair<std::string, std::string>> forgotten_;  // (app, user), while flushes run
};

}  // namespace gatehouse::users
