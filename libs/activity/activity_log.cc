#include "libs/activity/activity_log.h"

#include <utility>

#include "gatehouse/tenants/v1/activity_log_service.rpc.h"
#include "libs/base/status.h"
#include "libs/telemetry/log.h"

namespace gatehouse::activity {
namespace {

// Some 300 bytes each: while the tenants service is down this much memory waits for it.
constexpr size_t kMaxWaiting = 50'000;
constexpr int kMaxBatch = 1000;  // the limit of AppendActivities

}  // namespace

void ActivityLog::Add(const tenancy::Tenant& tenant, const Activity& activity) {
  tenants::v1::Activity entry;
  *entry.mutable_scope() = tenant.scope();
  entry.set_event_type(std::string(activity.event_type));
  entry.set_recipe_user_id(std::string(activity.recipe_user_id));
  entry.set_primary_or_recipe_user_id(std::string(activity.primary_or_recipe_user_id));
  entry.set_auth_principal(std::string(activity.auth_principal));
  entry.set_identifier(std::string(activity.identifier));
  entry.set_created_at_ms(clock_.NowMs());
  std::lock_guard lock(mutex_);
  if (waiting_.size() >= kMaxWaiting) {
    ++dropped_;
    return;
  }
  waiting_.push_back(std::move(entry));
}

absl::Status ActivityLog::Flush(absl::Time deadline) {
  std::deque<tenants::v1::Activity> taken;
  int64_t dropped = 0;
  {
    std::lock_guard lock(mutex_);
    taken.swap(waiting_);
    std::swap(dropped, dropped_);
  }
  absl::Status result;
  while (!taken.empty()) {
    tenants::v1::AppendActivitiesRequest request;
    for (; !taken.empty() && request.activities_size() < kMaxBatch; taken.pop_front()) {
      *request.add_activities() = std::move(taken.front());
    }
    rpc::CallContext context;
    context.deadline = deadline;
    const absl::Status appended = service_.AppendActivities(context, request).status();
    if (!appended.ok()) dropped += request.activities_size();
    result.Update(appended);
  }
  if (dropped > 0) {
    telemetry::Log(telemetry::LogLevel::kWarn, "activities_dropped",
                   {{"count", std::to_string(dropped)}});
  }
  return result;
}

}  // namespace gatehouse::activity
