#pragma once

// Brings the tables of an older core to the state that this build needs.

#include <functional>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "libs/db/database.h"

namespace gatehouse::db {

// FailedPrecondition, with a text for the operator, when the tables are those of a core before 12.0
// (or of no core): only `gatehouse migrate` may change those. Reads only the catalogs, and needs no
// rights on tables except gatehouse_schema_migrations. OK for an empty database.
absl::Status CheckTablesAreRecent(Database& database, absl::Time deadline);

// For a starting process, or a tenant that names a database: creates the tables of an empty one,
// and brings those of core 12.0 and later up to date. FailedPrecondition for others, as in
// CheckTablesAreRecent, and nothing is changed.
absl::Status UpdateRecentTables(Database& database, absl::Time deadline,
                                const std::function<void(std::string_view)>& progress = nullptr);

// FailedPrecondition, with an explanation, when UpgradeTables would refuse: the tables are of a
// core before 5.0, or another role's, or somebody else's views and keys are in the way. Changes
// nothing.
absl::Status CheckUpgrade(Database& database, absl::Time deadline);

// Brings tables of core 5.0 and later up to date, runs the migrations, and creates missing indexes
// and foreign keys. Refuses as CheckUpgrade does, before it changes anything. Rows are unchanged,
// except that those of cores before 7.0 get the ids of apps, tenants and primary users; the
// registry of users is filled elsewhere.
//
// Steps that lock a table are quick, wait for the lock two seconds at a time, and let others pass
// in between; everything else is built without blocking running cores. It can be interrupted and
// run again, and several may run at once. `progress` is called with what is about to be done.
absl::Status UpgradeTables(Database& database, absl::Time deadline,
                           const std::function<void(std::string_view)>& progress);

}  // namespace gatehouse::db
