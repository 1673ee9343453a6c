#pragma once

#include <map>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "libs/db/database.h"

namespace gatehouse::db {

// `gatehouse_<service>`: the role that a service may connect as.
std::string ServiceRole(std::string_view service);

// Creates or updates a login role for each service that has one of `passwords`, or for all when
// none has: with rights to read and write the rows of its own tables and nothing else (foreign keys
// are checked with the rights of the tables' owner). `admin` is connected as a role that owns the
// tables, and the tables exist. If it may not create roles, existing ones are used, and keep their
// passwords. Idempotent; run it after every migration.
absl::Status CreateServiceRoles(Database& admin, absl::Time deadline,
                                const std::map<std::string, std::string>& passwords = {});

}  // namespace gatehouse::db
