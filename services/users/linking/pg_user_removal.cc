#include "services/users/linking/pg_user_removal.h"

#include <algorithm>
#include <map>

#include "libs/base/status.h"
#include "libs/db/database.h"
#include "services/users/linking/pg_linking_store.h"
#include "services/users/linking/pg_outcome.h"
#include "services/users/linking/pg_reservations.h"
#include "services/users/registry/pg_both_generations.h"
#include "services/users/registry/pg_user_lock.h"

namespace gatehouse::users {
namespace {

// $1 app, $2 user. All members of the user's group: internal id, recipe, the group's id, whether
// the login method exists, the external id, and whether the id that clients see belongs to another
// user, as its internal id or as its external one. Looked up row by row: see GATEHOUSE_RESOLVE_SQL.
// app_id_to_user_id_primary_user_id_index; userid_mapping_supertokens_user_id_key.
constexpr db::Statement kGroup = {
    "removal_group",
    "SELECT u.user_id, u.recipe_id, u.primary_or_recipe_user_id,"
    " (SELECT 1 FROM {recipe_user_account_infos} i WHERE i.app_id = u.app_id"
    "  AND i.recipe_user_id = u.user_id LIMIT 1) IS NOT NULL,"
    " m.external_user_id, (SELECT 1 FROM {app_id_to_user_id} o WHERE o.app_id = u.app_id"
    "  AND o.user_id = m.external_user_id::bpchar) IS NOT NULL OR (m.app_id IS NULL AND ("
    "  SELECT 1 FROM {userid_mapping} o WHERE o.app_id = u.app_id"
    "   AND o.external_user_id = u.user_id::varchar) IS NOT NULL)"
    " FROM {app_id_to_user_id} u LEFT JOIN LATERAL (SELECT * FROM {userid_mapping} own"
    "  WHERE own.app_id = u.app_id AND own.supertokens_user_id = u.user_id LIMIT 1) m ON TRUE"
    " WHERE u.app_id = $1::varchar AND u.primary_or_recipe_user_id ="
    "  (SELECT primary_or_recipe_user_id FROM {app_id_to_user_id}"
    "   WHERE app_id = $1::varchar AND user_id = $2::bpchar)"
    " ORDER BY u.user_id"};

// Below: $1 app, $2 users' internal ids, or the ids of their data. The users' other rows depend on
// app_id_to_user_id by foreign keys. Each in a separate statement, since a statement's parts run in
// no particular order, and others write these rows too (docs/adr, decision 13). Indexes: the
// tables' primary keys, emailverification_tokens_user_id_index,
// idx_recipe_user_tenants_recipe_user_id, idx_recipe_user_account_infos_app_recipe_user.
constexpr db::Statement kDeleteTokens = {
    "removal_delete_tokens",
    "WITH held AS MATERIALIZED (SELECT token FROM {emailverification_tokens}"
    "  WHERE app_id = $1::varchar AND user_id = " GATEHOUSE_ANY("$2", "varchar") " ORDER BY token FOR UPDATE)"
    " DELETE FROM {emailverification_tokens} t USING held WHERE t.token = held.token"};
constexpr db::Statement kDeleteVerified = {
    "removal_delete_verified",
    "DELETE FROM {emailverification_verified_emails} WHERE app_id = $1 AND user_id = " GATEHOUSE_ANY("$2", "varchar")};
constexpr db::Statement kDeleteMetadata = {
    "removal_delete_metadata",
    "DELETE FROM {user_metadata} WHERE app_id = $1 AND user_id = " GATEHOUSE_ANY("$2", "varchar")};
constexpr db::Statement kDeleteActivity = {
    "removal_delete_activity",
    "WITH held AS MATERIALIZED (SELECT app_id, user_id FROM {user_last_active}"
    "  WHERE app_id = $1::varchar AND user_id = " GATEHOUSE_ANY("$2", "varchar") " ORDER BY user_id FOR UPDATE)"
    " DELETE FROM {user_last_active} a USING held"
    "  WHERE a.app_id = held.app_id AND a.user_id = held.user_id"};
// The old tables' rows hang on app_id_to_user_id too.
constexpr RegistryWrite kDelete = RegistryWrite::NothingInOldTables(
    {"removal_delete",
     "WITH tenants AS (DELETE FROM {recipe_user_tenants}"
     "  WHERE app_id = $1::varchar AND recipe_user_id = " GATEHOUSE_ANY("$2", "bpchar") "),"
     " infos AS (DELETE FROM {recipe_user_account_infos}"
     "  WHERE app_id = $1::varchar AND recipe_user_id = " GATEHOUSE_ANY("$2", "bpchar") ")"
     " DELETE FROM {app_id_to_user_id}"
     "  WHERE app_id = $1::varchar AND user_id = " GATEHOUSE_ANY("$2", "bpchar")});

constexpr db::Statement kReleaseGroup = {
    "removal_release_group",
    "DELETE FROM {primary_user_tenants} WHERE app_id = $1 AND primary_user_id = $2"};

constexpr db::Statement kDeleteResetTokens = {
    "removal_delete_reset_tokens",
    "WITH held AS MATERIALIZED (SELECT token FROM {emailpassword_pswd_reset_tokens}"
    "  WHERE app_id = $1::varchar AND user_id = " GATEHOUSE_ANY("$2", "bpchar") " ORDER BY token FOR UPDATE)"
    " DELETE FROM {emailpassword_pswd_reset_tokens} t USING held WHERE t.token = held.token"};

// Of the old tables, the recipes' hang on all_auth_recipe_users.
constexpr RegistryWrite kDeleteLoginMethod = RegistryWrite::ThenOldTables(
    {"removal_delete_login_method",
     "WITH tenants AS (DELETE FROM {recipe_user_tenants}"
     "  WHERE app_id = $1::varchar AND recipe_user_id = $2::bpchar),"
     " infos AS (DELETE FROM {recipe_user_account_infos}"
     "  WHERE app_id = $1::varchar AND recipe_user_id = $2::bpchar)"
     " DELETE FROM {emailpassword_users} WHERE app_id = $1::varchar AND user_id = $2::bpchar"},
    {"removal_delete_legacy",
     "DELETE FROM {all_auth_recipe_users} WHERE app_id = $1 AND user_id = $2"});

struct Member {
  RemovedUser user;
  bool has_login = false;
};

struct Group {
  std::string primary_id;
  std::vector<Member> members;  // by id

  std::vector<std::string> ids() const {
    std::vector<std::string> ids;
    for (const Member& member : members) ids.push_back(member.user.user_id);
    return ids;
  }
};

absl::StatusOr<Group> ReadGroup(db::Transaction& transaction, const Where& scope,
                                std::string_view user_id) {
  ASSIGN_OR_RETURN(db::Result rows, transaction.Execute(kGroup, {scope.app_id(), user_id}));
  Group group;
  for (const db::Row row : rows) {
    group.primary_id = std::string(row.Trimmed(2));
    Member& member = group.members.emplace_back();
    member.user.user_id = std::string(row.Trimmed(0));
    member.user.recipe_id = std::string(row.Text(1));
    member.has_login = row.Bool(3);
    if (!row.Bool(5)) {
      member.user.data_user_id = row.IsNull(4) ? member.user.user_id : std::string(row.Text(4));
    }
  }
  return group;
}

struct Plan {
  bool whole_group = false;
  bool keeps_id = false;  // the primary user's login method is removed, its id and data stay
  std::vector<RemovedUser> users;
};

Plan MakePlan(const Group& group, std::string_view user_id, bool whole_group) {
  Plan plan;
  const auto logins = std::count_if(group.members.begin(), group.members.end(),
                                    [](const Member& member) { return member.has_login; });
  plan.whole_group = whole_group || logins <= 1;
  plan.keeps_id = !plan.whole_group && user_id == group.primary_id;
  for (const Member& member : group.members) {
    if (!plan.whole_group && member.user.user_id != user_id) continue;
    plan.users.push_back(member.user);
    if (plan.keeps_id) plan.users.back().data_user_id.clear();
  }
  return plan;
}

absl::Status Apply(db::Transaction& transaction, const Where& scope, const Group& group,
                   const Plan& plan) {
  if (plan.keeps_id) return DeleteLoginMethod(transaction, scope, group.primary_id);
  db::TextArray ids, data_ids;
  for (const RemovedUser& user : plan.users) {
    ids.values.push_back(user.user_id);
    if (!user.data_user_id.empty()) data_ids.values.push_back(user.data_user_id);
  }
  if (plan.whole_group) {
    RETURN_IF_ERROR(
        transaction.Execute(kReleaseGroup, {scope.app_id(), group.primary_id}).status());
  } else {
    RETURN_IF_ERROR(
        ReleaseMember(transaction, scope, plan.users.front().user_id, group.primary_id));
  }
  for (const db::Statement* statement : {&kDeleteTokens, &kDeleteVerified, &kDeleteMetadata}) {
    if (data_ids.values.empty()) break;
    RETURN_IF_ERROR(transaction.Execute(*statement, {scope.app_id(), data_ids}).status());
  }
  RETURN_IF_ERROR(transaction.Execute(kDeleteActivity, {scope.app_id(), ids}).status());
  RETURN_IF_ERROR(transaction.Execute(kDeleteResetTokens, {scope.app_id(), ids}).status());
  return kDelete.Execute(transaction, scope, {scope.app_id(), ids}).status();
}

}  // namespace

absl::Status DeleteLoginMethod(db::Transaction& transaction, const Where& scope,
                               std::string_view user_id) {
  RETURN_IF_ERROR(ReleaseMember(transaction, scope, user_id, user_id));
  const db::TextArray ids{{std::string(user_id)}};
  RETURN_IF_ERROR(transaction.Execute(kDeleteResetTokens, {scope.app_id(), ids}).status());
  return kDeleteLoginMethod.Execute(transaction, scope, {scope.app_id(), user_id}).status();
}

absl::StatusOr<std::vector<RemovedUser>> PgLinkingStore::Remove(const Where& scope,
                                                                std::string_view user_id,
                                                                bool whole_group, bool check_only) {
  ASSIGN_OR_RETURN(db::Database * db, databases_.Of(*scope.tenant));
  using Outcome = std::vector<RemovedUser>;
  return TransactFor<Outcome>(
      *db, scope, [&](db::Transaction& transaction) -> absl::StatusOr<Ended<Outcome>> {
        ASSIGN_OR_RETURN(Group group, ReadGroup(transaction, scope, user_id));
        if (group.members.empty()) return RollBack(Outcome());
        if (check_only) return RollBack(MakePlan(group, user_id, whole_group).users);
        RETURN_IF_ERROR(LockUsers(transaction, scope, {std::string(user_id)}).status());
        ASSIGN_OR_RETURN(group, ReadGroup(transaction, scope, user_id));
        if (group.members.empty()) return RollBack(Outcome());
        RETURN_IF_ERROR(LockMembers(transaction, scope, group.ids()));
        Plan plan = MakePlan(group, user_id, whole_group);
        RETURN_IF_ERROR(Apply(transaction, scope, group, plan));
        return Commit(std::move(plan.users));
      });
}

}  // namespace gatehouse::users
