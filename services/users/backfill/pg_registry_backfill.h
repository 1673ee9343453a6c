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

// The results of a run of BackfillRegistry.
struct BackfillCounts {
  int64_t users = 0;           // all that were brought over, including those below
  int64_t without_tenant = 0;  // in no tenant: found by id only
  int64_t without_login = 0;   // an id without a login method, with or without a group
  int64_t conflicts = 0;       // rows that another user holds already
};

// Whether the registry has all users. It lacks those written by a core in a mode before DUAL_WRITE:
// their time_joined is 0, or the tables don't have that column yet. True for a database without
// tables. Reads the table once.
absl::StatusOr<bool> RegistryIsComplete(db::Database& database, absl::Time deadline);

// FailedPrecondition when a user is of an unknown recipe, which would stop BackfillRegistry. Works
// on the tables of every core since 5.0, and changes nothing. Reads a table once.
absl::Status CheckRecipes(db::Database& database, absl::Time deadline);

// Fills the registry (recipe_user_account_infos, recipe_user_tenants, primary_user_tenants, and the
// times of app_id_to_user_id) from the tables in which cores before 12.0 kept users. `progress` is
// called for each batch, and for each conflict, with ids only.
//
// Each batch is one transaction, so it can be interrupted and run again, and several may run at
// once. Other cores must not write meanwhile. If two users hold what only one may, one keeps it (in
// a batch, the older): the other only loses that sign-in, and is reported to `progress`.
//
// Needs rights on the tables of all recipes: it runs before there are services. FailedPrecondition
// when a user is of an unknown recipe.
absl::StatusOr<BackfillCounts> BackfillRegistry(
    db::Database& database, absl::Time deadline,
    const std::function<void(std::string_view)>& progress);

}  // namespace gatehouse::users
