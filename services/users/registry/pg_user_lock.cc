#include "services/users/registry/pg_user_lock.h"

#include <set>

#include "libs/base/status.h"
#include "libs/db/database.h"

namespace gatehouse::users {
namespace {

// A primary user has no primary of its own, so one extension is enough unless others relink.
constexpr int kMaxRounds = 3;

// Primary key of app_id_to_user_id.
constexpr db::Statement kPrimariesOf = {
    "users_primaries_of",
    "SELECT primary_or_recipe_user_id FROM {app_id_to_user_id}"
    " WHERE app_id = $1 AND user_id = ANY($2) AND primary_or_recipe_user_id <> user_id"};

constexpr db::Statement kLock = {
    "users_lock",
    "SELECT user_id, recipe_id, primary_or_recipe_user_id, is_linked_or_is_a_primary_user"
    " FROM {app_id_to_user_id} WHERE app_id = $1 AND user_id = ANY($2)"
    " ORDER BY user_id FOR UPDATE"};

}  // namespace

absl::StatusOr<std::map<std::string, LockedUser>> LockUsers(db::Transaction& transaction,
                                                            std::string_view app_id,
                                                            const std::vector<std::string>& ids) {
  std::set<std::string> wanted(ids.begin(), ids.end());
  ASSIGN_OR_RETURN(db::Result primaries,
                   transaction.Execute(kPrimariesOf, {app_id, db::TextArray{ids}}));
  for (const db::Row row : primaries) wanted.emplace(row.Trimmed(0));

  for (int round = 0; round < kMaxRounds; ++round) {
    ASSIGN_OR_RETURN(
        db::Result rows,
        transaction.Execute(
            kLock,
            {app_id, db::TextArray{std::vector<std::string>(wanted.begin(), wanted.end())}}));
    std::map<std::string, LockedUser> locked;
    bool complete = true;
    for (const db::Row row : rows) {
      LockedUser user{std::string(row.Trimmed(0)), std::string(row.Text(1)), std::nullopt};
      if (row.Bool(3)) user.primary_id = std::string(row.Trimmed(2));
      if (user.primary_id.has_value() && wanted.insert(*user.primary_id).second) complete = false;
      locked.emplace(user.user_id, std::move(user));
    }
    if (complete) return locked;
  }
  return MakeError(ErrorReason::kOverloaded, "The user is being changed by many requests at once");
}

}  // namespace gatehouse::users
