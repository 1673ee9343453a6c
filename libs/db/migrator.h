#pragma once

// Brings a database's tables to the state that this build needs.

#include <functional>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/db/database.h"

namespace gatehouse::db {

// Creates the record of applied migrations if it does not exist. With placeholders.
extern const char kMigrationRecord[];

// Applies every migration that is missing, service by service, each service's in one transaction,
// and records them in gatehouse_schema_migrations. Creates the schema where needed. Forward only.
//
// Any number of processes may do so at once, on an empty database too. Tables that another core
// created are kept and completed; their missing indexes are built CONCURRENTLY, afterwards, so that
// a core that runs alongside us is not blocked. `progress` is called with what is about to be done.
absl::Status Migrate(Database& database, absl::Time deadline,
                     const std::function<void(std::string_view)>& progress = nullptr);

// Whether nothing is missing. A database that is ahead of this build counts as current, so that
// old and new processes can run side by side during an upgrade.
absl::StatusOr<bool> SchemaIsCurrent(Database& database, absl::Time deadline);

}  // namespace gatehouse::db
