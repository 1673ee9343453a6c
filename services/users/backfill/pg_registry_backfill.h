#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace gatehouse::db {
class Database;
}

namespace gatehouse::users {

// What a run of BackfillRegistry did.
struct BackfillCounts {
  int64_t users = 0;           // all that were brought over, those below too
  int64_t without_tenant = 0;  // in no tenant: found by id only
  int64_t without_login = 0;   // an id without a login method: it leads a group, or nothing
  int64_t conflicts = 0;       // rows that another user holds already
};

// Whether the registry has all users. It lacks those that a core in a mode before DUAL_WRITE wrote:
// their time_joined is 0, or the tables don't even have that column yet. A database without tables
// lacks none. Reads the table once.
absl::StatusOr<bool> RegistryIsComplete(db::Database& database, absl::Time deadline);

// FailedPrecondition when a user is of no recipe that is known, which BackfillRegistry would stop
// at. Works on the tables of every core since 5.0, and changes nothing. Reads a table once.
absl::Status CheckRecipes(db::Database& database, absl::Time deadline);

// Fills the registry (recipe_user_account_infos, recipe_user_tenants, primary_user_tenants, and the
// times of app_id_to_user_id) from the tables that cores before 12.0 kept users in. `progress` is
// told of each batch, and of each conflict by ids alone.
//
// Each batch is one transaction, so it can be interrupted and run again, and by several at once.
// Other cores must not write meanwhile. Where two users hold what only one may, one keeps it (in a
// batch, the elder): the other loses that sign-in, nothing else, and is named to `progress`.
//
// Needs rights on the tables of all recipes: it runs before there are services. FailedPrecondition
// when a user is of no recipe that is known.
absl::StatusOr<BackfillCounts> BackfillRegistry(
    db::Database& database, absl::Time deadline,
    const std::function<void(std::string_view)>& progress);

}  // namespace gatehouse::users
