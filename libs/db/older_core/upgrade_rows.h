#pragma once

#include <functional>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "libs/db/database.h"

namespace gatehouse::db {

// Sets the primary id of each row of `table` (all_auth_recipe_users or app_id_to_user_id, with core
// 7.0's columns and keys) that has none to its own id, in batches.
absl::Status FillPrimaryIds(Database& database, absl::Time deadline, std::string_view table);

// The rows that cores keep of each app, tenant and user since 6.0, for those of core 5.0, in
// batches. Idempotent.
absl::Status FillTenantRows(Database& database, absl::Time deadline,
                            const std::function<void(std::string_view)>& progress);

}  // namespace gatehouse::db
