#include "services/tenants/activity_log_service.h"

#include <map>
#include <utility>

#include "libs/base/problem.h"
#include "libs/base/status.h"

namespace gatehouse::tenants {
namespace {

constexpr int kMaxActivities = 1000;

// Columns count characters, of which there are at most as many as bytes.
bool FitsColumns(const v1::Activity& activity) {
  return !activity.event_type().empty() && activity.event_type().size() <= 64 &&
         activity.recipe_user_id().size() <= 128 &&
         activity.primary_or_recipe_user_id().size() <= 128 &&
         activity.auth_principal().size() <= 256 && activity.identifier().size() <= 256;
}

struct Batch {
  tenancy::TenantPtr anywhere;
  std::vector<ActivityRow> rows;
};

}  // namespace

absl::StatusOr<v1::AppendActivitiesResponse> ActivityLogServiceImpl::AppendActivities(
    rpc::CallContext& context, const v1::AppendActivitiesRequest& request) {
  if (request.activities_size() > kMaxActivities) {
    return BadInput(Problem::kTooMany, "Too many activities at once",
                    {{"field", "activities"}, {"max", std::to_string(kMaxActivities)}});
  }
  std::map<std::string, Batch> batches;  // by database id
  for (const v1::Activity& activity : request.activities()) {
    if (!FitsColumns(activity)) continue;
    const auto tenant = directory_.Find(activity.scope(), context.deadline);
    if (!tenant.ok()) continue;
    Batch& batch = batches[(*tenant)->database_id];
    batch.anywhere = *tenant;
    batch.rows.push_back({.app_id = (*tenant)->app_id,
                          .tenant_id = (*tenant)->tenant_id,
                          .recipe_user_id = activity.recipe_user_id(),
                          .primary_or_recipe_user_id = activity.primary_or_recipe_user_id(),
                          .event_type = activity.event_type(),
                          .auth_principal = activity.auth_principal(),
                          .identifier = activity.identifier(),
                          .created_at_ms = activity.created_at_ms()});
  }
  absl::Status result;
  for (const auto& [database_id, batch] : batches) {
    result.Update(store_.Append(context.deadline, *batch.anywhere, batch.rows));
  }
  RETURN_IF_ERROR(result);
  return v1::AppendActivitiesResponse();
}

}  // namespace gatehouse::tenants
