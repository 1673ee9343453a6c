#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "services/users/request_scope.h"

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

// Locks the users and the primary users of their groups; users that don't exist are left out.
// During the transaction nobody joins or leaves one of the groups, and neither the app nor any
// tenant of `scope` or of a group's member is removed. Everything that links, unlinks, deletes,
// moves between tenants or changes an email or phone number starts with it: it takes the first
// steps of the one order of locks (docs/adr, decision 13). `ids` are internal. RetryTransaction
// when a user changed its group before it was locked.
absl::StatusOr<std::map<std::string, LockedUser>> LockUsers(db::Transaction& transaction,
                                                            const Where& scope,
                                                            const std::vector<std::string>& ids);

// Locks further members of a group whose primary user is locked.
absl::Status LockMembers(db::Transaction& transaction, const Where& scope,
                         const std::vector<std::string>& ids);

}  // namespace gatehouse::users
