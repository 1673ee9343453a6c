#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/db/database.h"
#include "libs/db/older_core/upgrade_plan.h"

namespace gatehouse::db {

// What would stop `plan` half-way, as texts for the operator: tables of another role, views and
// other tables' foreign keys that depend on what it changes, duplicate rows. Reads only.
absl::StatusOr<std::vector<std::string>> FindObstacles(Database& database, absl::Time deadline,
                                                       const StoredSchema& stored,
                                                       const UpgradePlan& plan);

}  // namespace gatehouse::db
