#pragma once

// Brings the tables of an older core to what this build needs.

#include <functional>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "libs/db/database.h"

namespace gatehouse::db {

// FailedPrecondition, in words for the operator, when the tables are those of a core before 12.0
// (or of no core): only `gatehouse migrate` may change those. Reads the catalogs alone, and needs
// no rights on the tables but on gatehouse_schema_migrations. Nothing to say of an empty database.
absl::Status CheckTablesAreRecent(Database& database, absl::Time deadline);

// What a start does, or a tenant that names a database: makes the tables of an empty one, and
// brings those of core 12.0 and later up to date. FailedPrecondition for others, as
// CheckTablesAreRecent says it, and nothing is changed.
absl::Status UpdateRecentTables(Database& database, absl::Time deadline,
                                const std::function<void(std::string_view)>& progress = nullptr);

// FailedPrecondition, in words, when UpgradeTables would refuse: the tables are of a core before
// 5.0, or another role's, or views and keys of somebody else stand in the way. Changes nothing.
absl::Status CheckUpgrade(Database& database, absl::Time deadline);

// Brings tables of core 5.0 and later up to date, runs the migrations, and makes missing indexes
// and foreign keys. Refuses as CheckUpgrade does, before it changes anything. Rows stay as they
// are, except that those of cores before 7.0 get the ids of apps, tenants and primary users; the
// registry of users is filled elsewhere.
//
// What locks a table is quick, waits for its lock two seconds at a time, and lets others pass in
// between; all else is built beside running cores. It can be interrupted and run again, and by
// several at once. `progress` is told what is about to be done.
absl::Status UpgradeTables(Database& database, absl::Time deadline,
                           const std::function<void(std::string_view)>& progress);

}  // namespace gatehouse::db
