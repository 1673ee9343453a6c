#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "libs/tenancy/tenant_directory.h"

namespace gatehouse::tenants {

// A row of activity_log; an empty text is stored as NULL.
struct ActivityRow {
  std::string app_id;
  std::string tenant_id;
  std::string recipe_user_id;
  std::string primary_or_recipe_user_id;
  std::string event_type;
  std::string auth_principal;
  std::string identifier;
  int64_t created_at_ms;
};

// The audit logs of tenants' databases. Thread-safe.
class ActivityLogStore {
 public:
  virtual ~ActivityLogStore() = default;
  // `anywhere` identifies the database.
  virtual absl::Status Append(absl::Time deadline, const tenancy::Tenant& anywhere,
                              const std::vector<ActivityRow>& rows) = 0;
};

}  // namespace gatehouse::tenants
