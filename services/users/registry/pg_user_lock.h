#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace gatehouse::db {
class Transaction;
}

namespace gatehouse::users {

// A row of app_id_to_user_id, held FOR UPDATE.
struct LockedUser {
  std::string user_id;
  std::string recipe_id;
  // The group's id; nullopt for a user that is neither primary nor linked.
  std::optional<std::string> primary_id;
};

// Locks the users and the primary users of their groups, in id order so that nobody deadlocks;
// users that don't exist are left out. Everything that links, unlinks, deletes, moves between
// tenants or changes an email or phone number starts with it. `ids` are internal. kOverloaded when
// others keep relinking the users.
absl::StatusOr<std::map<std::string, LockedUser>> LockUsers(db::Transaction& transaction,
                                                            std::string_view app_id,
                                                            const std::vector<std::string>& ids);

}  // namespace gatehouse::users
