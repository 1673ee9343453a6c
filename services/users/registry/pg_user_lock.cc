#include "services/users/registry/pg_user_lock.h"

#include <set>

#include "libs/base/status.h"
#include "libs/db/database.h"

namespace gatehouse::users {
namespace {

// $1 app, $2 users. Primary key of app_id_to_user_id. Also holds the app.
constexpr db::Statement kPrimariesOf = {
    "users_primaries_of",
    "SELECT u.user_id, u.primary_or_recipe_user_id"
    " FROM {schema}.{~gatehouse_hold_tenants}($1::varchar, NULL) AS held(app)"
    " JOIN {app_id_to_user_id} u ON held.app AND u.app_id = $1::varchar"
    "  AND u.user_id = " GATEHOUSE_ANY("$2", "bpchar")};

constexpr db::Statement kLock = {
    "users_lock",
    "SELECT user_id, recipe_id, primary_or_recipe_user_id, is_linked_or_is_a_primary_user"
    " FROM {app_id_to_user_id} WHERE app_id = $1 AND user_id = $2 FOR UPDATE"};

// $3 primary users that are locked.
constexpr db::Statement kLockMembers = {
    "users_lock_members",
    "SELECT user_id, recipe_id, primary_or_recipe_user_id, is_linked_or_is_a_primary_user"
    " FROM {app_id_to_user_id} WHERE app_id = $1 AND user_id = " GATEHOUSE_ANY("$2", "bpchar")
    " AND primary_or_recipe_user_id = " GATEHOUSE_ANY("$3", "bpchar")
    " ORDER BY user_id FOR UPDATE"};

// $1 app, $2 primary users, $3 a tenant besides those that their groups are in.
// app_id_to_user_id_primary_user_id_index, idx_recipe_user_tenants_recipe_user_id,
// idx_primary_user_tenants_primary.
constexpr db::Statement kHoldTenants = {
    "users_hold_tenants",
    "SELECT {schema}.{~gatehouse_hold_tenants}($1::varchar, ARRAY("
    " SELECT t.tenant_id FROM {app_id_to_user_id} u JOIN {recipe_user_tenants} t"
    "   ON t.app_id = u.app_id AND t.recipe_user_id = u.user_id"
    "  WHERE u.app_id = $1::varchar AND u.primary_or_recipe_user_id = " GATEHOUSE_ANY("$2", "bpchar")
    " UNION SELECT p.tenant_id FROM {primary_user_tenants} p"
    "  WHERE p.app_id = $1::varchar AND p.primary_user_id = " GATEHOUSE_ANY("$2", "bpchar")
    " UNION SELECT $3::varchar))"};

using Locked = std::map<std::string, LockedUser>;

void Add(const db::Result& rows, Locked& locked) {
  for (const db::Row row : rows) {
    LockedUser user{std::string(row.Trimmed(0)), std::string(row.Text(1)), std::nullopt};
    if (row.Bool(3)) user.primary_id = std::string(row.Trimmed(2));
    locked.emplace(user.user_id, std::move(user));
  }
}

}  // namespace

absl::StatusOr<Locked> LockUsers(db::Transaction& transaction, const Where& scope,
                                 const std::vector<std::string>& ids) {
  ASSIGN_OR_RETURN(const db::Result found,
                   transaction.Execute(kPrimariesOf, {scope.app_id(), db::TextArray{ids}}));
  db::TextArray members;
  std::set<std::string> primaries;
  for (const db::Row row : found) {
    primaries.emplace(row.Trimmed(1));
    if (row.Trimmed(0) != row.Trimmed(1)) members.values.emplace_back(row.Trimmed(0));
  }
  Locked locked;
  // The primary users first, so that the holder of a group also controls its members' rows. Each is
  // checked before the next is waited for: one that has become a member belongs to another group,
  // whose holder may be waiting for it while it holds the next.
  for (const std::string& primary : primaries) {
    ASSIGN_OR_RETURN(const db::Result rows, transaction.Execute(kLock, {scope.app_id(), primary}));
    if (!rows.empty() && rows.front().Trimmed(2) != primary) return db::RetryTransaction();
    Add(rows, locked);
  }
  if (!members.values.empty()) {
    // Those that left their group before it was held are not waited for either.
    ASSIGN_OR_RETURN(
        const db::Result rows,
        transaction.Execute(kLockMembers, {scope.app_id(), members,
                                           db::TextArray{{primaries.begin(), primaries.end()}}}));
    if (rows.rows() != static_cast<int>(members.values.size())) return db::RetryTransaction();
    Add(rows, locked);
  }
  RETURN_IF_ERROR(transaction
                      .Execute(kHoldTenants,
                               {scope.app_id(), db::TextArray{{primaries.begin(), primaries.end()}},
                                scope.tenant_id()})
                      .status());
  return locked;
}

absl::Status LockMembers(db::Transaction& transaction, const Where& scope,
                         const std::vector<std::string>& ids) {
  return transaction.Execute(kLock, {scope.app_id(), db::TextArray{ids}}).status();
}

}  // namespace gatehouse::users
