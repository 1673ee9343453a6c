#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/host/component.h"

namespace gatehouse::db {
class Database;
}

namespace gatehouse::users {

// The users service: registry, email and password, listing.
absl::StatusOr<std::unique_ptr<host::Component>> MakeUsersComponent(host::Environment& environment);

// For process::Program: finds what would stop MigrateUsers, before anything is changed.
absl::Status CheckUsers(db::Database& database, absl::Time deadline);

// For process::Program: brings users of cores before 12.0 into the registry. Returns the number of
// conflicts; each is reported to `progress`. See backfill/pg_registry_backfill.h.
absl::StatusOr<int64_t> MigrateUsers(db::Database& database, absl::Time deadline,
                                     const std::function<void(std::string_view)>& progress);

}  // namespace gatehouse::users
