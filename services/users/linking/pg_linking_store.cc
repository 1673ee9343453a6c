#include "services/users/linking/pg_linking_store.h"

#include <map>

#include "libs/base/status.h"
#include "libs/db/database.h"
#include "services/users/linking/pg_outcome.h"
#include "services/users/linking/pg_reservations.h"
#include "services/users/linking/pg_user_removal.h"
#include "services/users/registry/pg_both_generations.h"
#include "services/users/registry/pg_user_lock.h"

namespace gatehouse::users {
namespace {

// Whether the user ID, or a member of the group that it leads, has a login method. Otherwise it is
// only the id left of a group whose last member was unlinked: for clients there is no such user.
// idx_recipe_user_account_infos_app_recipe_user, idx_recipe_user_account_infos_app_primary_user.
#define GATEHOUSE_IS_THERE(APP, ID)                                                         \
  " (EXISTS (SELECT 1 FROM {recipe_user_account_infos} g WHERE g.app_id = " APP             \
  "   AND g.recipe_user_id = " ID                                                           \
  ")  OR EXISTS (SELECT 1 FROM {recipe_user_account_infos} g WHERE g.app_id = " APP         \
  "   AND g.primary_user_id = " ID "))"

constexpr db::Statement kIsThere = {"linking_is_there",
                                    "SELECT" GATEHOUSE_IS_THERE("$1::varchar", "$2::bpchar")};

// The primary key of app_id_to_user_id; idx_recipe_user_tenants_recipe_user_id; the primary key of
// primary_user_tenants. $1 app, $2 user.
constexpr db::Statement kCheckPrimary = {
    "linking_check_primary",
    "SELECT u.primary_or_recipe_user_id, u.is_linked_or_is_a_primary_user, taken.owner,"
    " taken.type FROM {app_id_to_user_id} u"
    " LEFT JOIN LATERAL (SELECT p.primary_user_id AS owner, p.account_info_type AS type"
    "   FROM {recipe_user_tenants} t JOIN {primary_user_tenants} p ON p.app_id = t.app_id"
    "    AND p.tenant_id = t.tenant_id AND p.account_info_type = t.account_info_type"
    "    AND p.account_info_value = t.account_info_value"
    "   WHERE t.app_id = u.app_id AND t.recipe_user_id = u.user_id"
    "    AND p.primary_user_id <> u.user_id"
    "   ORDER BY p.account_info_type, p.tenant_id LIMIT 1)"  // email, phone, tparty
    "  taken ON TRUE"
    " WHERE u.app_id = $1 AND u.user_id = $2 AND" GATEHOUSE_IS_THERE("u.app_id", "u.user_id")};

// $1 app, $2 user, $3 any member of the group. As linking would: every info of either in every
// tenant of either; the user's own infos are reported before the group's, and emails before phone
// numbers before third parties. Indexes as in pg_reservations.cc.
constexpr db::Statement kCheckLink = {
    "linking_check_link",
    "WITH target AS (SELECT primary_or_recipe_user_id AS id,"
    "   is_linked_or_is_a_primary_user AS is_primary FROM {app_id_to_user_id}"
    "  WHERE app_id = $1::varchar AND user_id = $3::bpchar"
    "   AND" GATEHOUSE_IS_THERE("$1::varchar", "$3::bpchar") "),"
    " members AS (SELECT DISTINCT i.recipe_user_id AS id FROM target"
    "   JOIN {recipe_user_account_infos} i ON i.app_id = $1::varchar"
    "    AND i.primary_user_id = target.id"
    "  UNION SELECT $2::bpchar),"
    " tenants AS (SELECT DISTINCT t.tenant_id FROM members m JOIN {recipe_user_tenants} t"
    "   ON t.app_id = $1::varchar AND t.recipe_user_id = m.id),"
    " infos AS (SELECT i.account_info_type AS type, i.account_info_value AS value,"
    "   bool_or(m.id = $2::bpchar) AS is_own"
    "   FROM members m JOIN {recipe_user_account_infos} i"
    "    ON i.app_id = $1::varchar AND i.recipe_user_id = m.id GROUP BY 1, 2),"
    " taken AS (SELECT p.primary_user_id AS owner, p.account_info_type AS type"
    "  FROM tenants t CROSS JOIN infos i JOIN {primary_user_tenants} p ON p.app_id = $1::varchar"
    "   AND p.tenant_id = t.tenant_id AND p.account_info_type = i.type"
    "   AND p.account_info_value = i.value"
    "  WHERE p.primary_user_id <> (SELECT id FROM target)"
    "  ORDER BY i.is_own DESC, p.account_info_type, p.tenant_id LIMIT 1)"
    " SELECT u.primary_or_recipe_user_id, u.is_linked_or_is_a_primary_user, target.id,"
    "  target.is_primary, taken.owner, taken.type"
    " FROM {app_id_to_user_id} u CROSS JOIN target LEFT JOIN taken ON TRUE"
    " WHERE u.app_id = $1::varchar AND u.user_id = $2::bpchar"
    "  AND" GATEHOUSE_IS_THERE("u.app_id", "u.user_id")};

constexpr RegistryWrite kSetPrimary = RegistryWrite::ThenOldTables(
    {"linking_set_primary",
     "WITH infos AS (UPDATE {recipe_user_account_infos} SET primary_user_id = recipe_user_id"
     "  WHERE app_id = $1::varchar AND recipe_user_id = $2::bpchar)"
     " UPDATE {app_id_to_user_id} SET is_linked_or_is_a_primary_user = TRUE"
     "  WHERE app_id = $1::varchar AND user_id = $2::bpchar"},
    {"linking_set_primary_legacy",
     "UPDATE {all_auth_recipe_users} SET is_linked_or_is_a_primary_user = TRUE"
     " WHERE app_id = $1 AND user_id = $2"});

// $1 app, $2 a group: the old table's copy of its members in app_id_to_user_id.
#define GATEHOUSE_COPY_GROUP_SQL                                               \
  "UPDATE {all_auth_recipe_users} old SET"                                     \
  " primary_or_recipe_user_id = u.primary_or_recipe_user_id,"                  \
  " is_linked_or_is_a_primary_user = u.is_linked_or_is_a_primary_user,"        \
  " primary_or_recipe_user_time_joined = u.primary_or_recipe_user_time_joined" \
  " FROM {app_id_to_user_id} u WHERE u.app_id = $1::varchar"                   \
  "  AND u.primary_or_recipe_user_id = $2::bpchar"                             \
  "  AND old.app_id = u.app_id AND old.user_id = u.user_id"

// Whether the user `m` still has a login method: one that led a group may be only an id.
#define GATEHOUSE_HAS_LOGIN                                                             \
  " (SELECT 1 FROM {recipe_user_account_infos} i WHERE i.app_id = m.app_id"             \
  "  AND i.recipe_user_id = m.user_id LIMIT 1) IS NOT NULL"

// $1 app, $2 user, $3 primary user. A group's time joined is that of its oldest login method; the
// other members' rows are only touched when it changes. An active user is counted once: from now on
// as the group. app_id_to_user_id_primary_user_id_index.
constexpr RegistryWrite kSetLinked = RegistryWrite::ThenOldTables(
    {"linking_set_linked",
     "WITH infos AS (UPDATE {recipe_user_account_infos} SET primary_user_id = $3::bpchar"
     "  WHERE app_id = $1::varchar AND recipe_user_id = $2::bpchar),"
     " activity AS (DELETE FROM {user_last_active}"
     "  WHERE app_id = $1::varchar AND user_id = $2::bpchar::varchar),"
     " earliest AS (SELECT min(m.time_joined) AS time FROM {app_id_to_user_id} m"
     "  WHERE m.app_id = $1::varchar AND (m.user_id = $2::bpchar"
     "   OR m.primary_or_recipe_user_id = $3::bpchar) AND" GATEHOUSE_HAS_LOGIN ")"
     " UPDATE {app_id_to_user_id} u SET primary_or_recipe_user_id = $3::bpchar,"
     "  is_linked_or_is_a_primary_user = TRUE,"
     "  primary_or_recipe_user_time_joined = COALESCE(earliest.time, u.time_joined)"
     " FROM earliest WHERE u.app_id = $1::varchar AND (u.user_id = $2::bpchar"
     "  OR (u.primary_or_recipe_user_id = $3::bpchar"
     "   AND u.primary_or_recipe_user_time_joined <> earliest.time))"},
    {"linking_copy_linked", GATEHOUSE_COPY_GROUP_SQL});

// $1 app, $2 user. The user's own time joined is its own again.
constexpr RegistryWrite kSetUnlinked = RegistryWrite::ThenOldTables(
    {"linking_set_unlinked",
     "UPDATE {app_id_to_user_id} SET primary_or_recipe_user_id = user_id,"
     " is_linked_or_is_a_primary_user = FALSE, primary_or_recipe_user_time_joined = time_joined"
     " WHERE app_id = $1 AND user_id = $2"},
    {"linking_copy_unlinked", GATEHOUSE_COPY_GROUP_SQL});

// $1 app, $2 primary user, whose group has lost a member.
constexpr RegistryWrite kSetGroupTime = RegistryWrite::ThenOldTables(
    {"linking_set_group_time",
     "WITH earliest AS (SELECT min(m.time_joined) AS time FROM {app_id_to_user_id} m"
     "  WHERE m.app_id = $1::varchar AND m.primary_or_recipe_user_id = $2::bpchar"
     "   AND" GATEHOUSE_HAS_LOGIN ")"
     " UPDATE {app_id_to_user_id} u SET primary_or_recipe_user_time_joined = earliest.time"
     " FROM earliest WHERE u.app_id = $1::varchar AND u.primary_or_recipe_user_id = $2::bpchar"
     "  AND u.primary_or_recipe_user_time_joined <> earliest.time"},
    {"linking_copy_group_time", GATEHOUSE_COPY_GROUP_SQL});

constexpr db::Statement kOtherMembers = {
    "linking_other_members",
    "SELECT EXISTS (SELECT 1 FROM {recipe_user_account_infos} WHERE app_id = $1::varchar"
    " AND primary_user_id = $2::bpchar AND recipe_user_id <> $2::bpchar)"};

// The conflict found by kCheckPrimary or kCheckLink, in column `first` and the next one. If it is
// gone, the next round succeeds.
absl::StatusOr<Ended<LinkOutcome>> TakenBy(const db::Result& check, int first) {
  if (check.empty() || check.front().IsNull(first)) return db::RetryTransaction();
  const db::Row row = check.front();
  return RollBack(LinkOutcome{LinkResult::kAccountInfoTaken, std::string(row.Trimmed(first)),
                              std::string(row.Text(first + 1))});
}

// Whether `user` can be linked to the group of `target`, apart from account infos. kDone: it can.
LinkOutcome JudgeLink(std::string_view user_id, const std::optional<std::string>& user_primary,
                      const std::optional<std::string>& target_primary) {
  if (user_primary.has_value() && user_primary == target_primary) {
    return {LinkResult::kAlready, *target_primary, {}};
  }
  if (!target_primary.has_value()) return {LinkResult::kNotPrimary, {}, {}};
  if (user_primary.has_value()) return {LinkResult::kLinkedToAnother, *user_primary, {}};
  return {LinkResult::kDone, *target_primary, {}};
}

// The locked user, unless there is none or only what is left of a group. Only a group's leader can
// be that, so others cost no statement.
absl::StatusOr<const LockedUser*> Present(db::Transaction& transaction, std::string_view app_id,
                                          const std::map<std::string, LockedUser>& locked,
                                          const std::string& id) {
  auto user = locked.find(id);
  if (user == locked.end()) return nullptr;
  if (user->second.primary_id == id) {
    ASSIGN_OR_RETURN(db::Result there, transaction.Execute(kIsThere, {app_id, id}));
    if (!there.front().Bool(0)) return nullptr;
  }
  return &user->second;
}

}  // namespace

absl::StatusOr<LinkOutcome> PgLinkingStore::CheckPrimary(const Where& scope,
                                                         std::string_view user_id) {
  ASSIGN_OR_RETURN(db::Database * db, databases_.Of(*scope.tenant));
  ASSIGN_OR_RETURN(db::Result result,
                   db->Execute(scope.deadline, kCheckPrimary, {scope.app_id(), user_id}));
  if (result.empty()) return LinkOutcome{LinkResult::kUnknownUser, {}, {}};
  const db::Row row = result.front();
  const std::string primary_id(row.Trimmed(0));
  if (row.Bool(1)) {
    return LinkOutcome{primary_id == user_id ? LinkResult::kAlready : LinkResult::kLinkedToAnother,
                       primary_id,
                       {}};
  }
  if (!row.IsNull(2)) {
    return LinkOutcome{LinkResult::kAccountInfoTaken, std::string(row.Trimmed(2)),
                       std::string(row.Text(3))};
  }
  return LinkOutcome{LinkResult::kDone, primary_id, {}};
}

absl::StatusOr<LinkOutcome> PgLinkingStore::MakePrimary(const Where& scope,
                                                        std::string_view user_id) {
  ASSIGN_OR_RETURN(db::Database * db, databases_.Of(*scope.tenant));
  const std::string id(user_id);
  return TransactFor<LinkOutcome>(
      *db, scope, [&](db::Transaction& transaction) -> absl::StatusOr<Ended<LinkOutcome>> {
        ASSIGN_OR_RETURN(auto locked, LockUsers(transaction, scope, {id}));
        ASSIGN_OR_RETURN(const LockedUser* user, Present(transaction, scope.app_id(), locked, id));
        if (user == nullptr) return RollBack(LinkOutcome{LinkResult::kUnknownUser, {}, {}});
        if (user->primary_id.has_value()) {
          const std::string& primary = *user->primary_id;
          return RollBack(LinkOutcome{
              primary == id ? LinkResult::kAlready : LinkResult::kLinkedToAnother, primary, {}});
        }
        ASSIGN_OR_RETURN(const bool reserved, ReserveForGroup(transaction, scope.app_id(), id, id));
        if (!reserved) {
          ASSIGN_OR_RETURN(db::Result check,
                           transaction.Execute(kCheckPrimary, {scope.app_id(), id}));
          return TakenBy(check, 2);
        }
        RETURN_IF_ERROR(kSetPrimary.Execute(transaction, scope, {scope.app_id(), id}).status());
        return Commit(LinkOutcome{LinkResult::kDone, id, {}});
      });
}

absl::StatusOr<LinkOutcome> PgLinkingStore::CheckLink(const Where& scope, std::string_view user_id,
                                                      std::string_view primary_id) {
  ASSIGN_OR_RETURN(db::Database * db, databases_.Of(*scope.tenant));
  ASSIGN_OR_RETURN(db::Result result,
                   db->Execute(scope.deadline, kCheckLink, {scope.app_id(), user_id, primary_id}));
  if (result.empty()) return LinkOutcome{LinkResult::kUnknownUser, {}, {}};
  const db::Row row = result.front();
  std::optional<std::string> user_primary, target_primary;
  if (row.Bool(1)) user_primary = std::string(row.Trimmed(0));
  if (row.Bool(3)) target_primary = std::string(row.Trimmed(2));
  LinkOutcome outcome = JudgeLink(user_id, user_primary, target_primary);
  if (outcome.result == LinkResult::kDone && !row.IsNull(4)) {
    return LinkOutcome{LinkResult::kAccountInfoTaken, std::string(row.Trimmed(4)),
                       std::string(row.Text(5))};
  }
  return outcome;
}

absl::StatusOr<LinkOutcome> PgLinkingStore::Link(const Where& scope, std::string_view user_id,
                                                 std::string_view primary_id) {
  ASSIGN_OR_RETURN(db::Database * db, databases_.Of(*scope.tenant));
  const std::string id(user_id), target_id(primary_id);
  return TransactFor<LinkOutcome>(
      *db, scope, [&](db::Transaction& transaction) -> absl::StatusOr<Ended<LinkOutcome>> {
        ASSIGN_OR_RETURN(auto locked, LockUsers(transaction, scope, {id, target_id}));
        ASSIGN_OR_RETURN(const LockedUser* user, Present(transaction, scope.app_id(), locked, id));
        ASSIGN_OR_RETURN(const LockedUser* target,
                         Present(transaction, scope.app_id(), locked, target_id));
        if (user == nullptr || target == nullptr) {
          return RollBack(LinkOutcome{LinkResult::kUnknownUser, {}, {}});
        }
        LinkOutcome outcome = JudgeLink(id, user->primary_id, target->primary_id);
        if (outcome.result != LinkResult::kDone) return RollBack(std::move(outcome));
        ASSIGN_OR_RETURN(const bool reserved,
                         ReserveForGroup(transaction, scope.app_id(), id, outcome.primary_id));
        if (!reserved) {
          ASSIGN_OR_RETURN(db::Result check,
                           transaction.Execute(kCheckLink, {scope.app_id(), id, target_id}));
          return TakenBy(check, 4);
        }
        RETURN_IF_ERROR(kSetLinked
                            .Execute(transaction, scope, {scope.app_id(), id, outcome.primary_id},
                                     {scope.app_id(), outcome.primary_id})
                            .status());
        return Commit(std::move(outcome));
      });
}

absl::StatusOr<UnlinkOutcome> PgLinkingStore::Unlink(const Where& scope, std::string_view user_id,
                                                     bool check_only) {
  ASSIGN_OR_RETURN(db::Database * db, databases_.Of(*scope.tenant));
  const std::string id(user_id);
  return TransactFor<UnlinkOutcome>(
      *db, scope, [&](db::Transaction& transaction) -> absl::StatusOr<Ended<UnlinkOutcome>> {
        ASSIGN_OR_RETURN(auto locked, LockUsers(transaction, scope, {id}));
        ASSIGN_OR_RETURN(const LockedUser* user, Present(transaction, scope.app_id(), locked, id));
        if (user == nullptr) return RollBack(UnlinkOutcome{UnlinkResult::kUnknownUser, {}});
        const std::string& recipe = user->recipe_id;
        if (!user->primary_id.has_value()) {
          return RollBack(UnlinkOutcome{UnlinkResult::kNotLinked, recipe});
        }
        const std::string& primary = *user->primary_id;
        bool deletes = false;
        if (primary == id) {
          ASSIGN_OR_RETURN(db::Result members,
                           transaction.Execute(kOtherMembers, {scope.app_id(), id}));
          deletes = members.front().Bool(0);
        }
        const UnlinkOutcome outcome = {deletes ? UnlinkResult::kDeleted : UnlinkResult::kUnlinked,
                                       recipe};
        if (check_only) return RollBack(outcome);
        if (deletes) {
          RETURN_IF_ERROR(DeleteLoginMethod(transaction, scope, id));
          return Commit(outcome);
        }
        RETURN_IF_ERROR(ReleaseMember(transaction, scope, id, primary));
        RETURN_IF_ERROR(kSetUnlinked.Execute(transaction, scope, {scope.app_id(), id}).status());
        if (primary != id) {
          RETURN_IF_ERROR(
              kSetGroupTime.Execute(transaction, scope, {scope.app_id(), primary}).status());
        }
        return Commit(outcome);
      });
}

}  // namespace gatehouse::users
