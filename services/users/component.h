#pragma once

#include <functional>
#include <string_view>

#include "absl/time/time.h"
#include "libs/host/component.h"

namespace gatehouse::db {
class Database;
}

namespace gatehouse::users {

// The users service: registry, email and password, listing.
absl::StatusOr<std::unique_ptr<host::Component>> MakeUsersComponent(host::Environment& environment);

// For process::Program: brings users of cores before 12.0 into the registry, and says whether any
// are left. See backfill/pg_registry_backfill.h.
absl::Status MigrateUsers(db::Database& database, absl::Time deadline,
                          const std::function<void(std::string_view)>& progress);
absl::StatusOr<bool> UsersAreMigrated(db::Database& database, absl::Time deadline);

}  // namespace gatehouse::users
