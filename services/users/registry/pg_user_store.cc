#include "services/users/registry/pg_user_store.h"

#include <algorithm>
#include <unordered_map>

#include "libs/base/json.h"
#include "libs/base/status.h"
#include "libs/db/database.h"
#include "services/users/registry/pg_both_generations.h"
#include "services/users/registry/pg_identity_change.h"
#include "services/users/registry/pg_identity_rows.h"
#include "services/users/registry/pg_user_rows.h"

namespace gatehouse::users {
namespace {

// $2: an internal id, or an external one. A mapping that was forced may give one user another's
// internal id: the id then means the user that clients see under it, unless the other one is
// mapped too. userid_mapping_supertokens_user_id_key, userid_mapping_external_user_id_key; primary
// key.
constexpr db::Statement kFindById = {
    "users_find_by_id",
    "WITH target AS (SELECT u.primary_or_recipe_user_id AS id FROM {app_id_to_user_id} u"
    "  WHERE u.app_id = $1::varchar AND u.user_id = COALESCE("
    "   (SELECT m.supertokens_user_id FROM {userid_mapping} m WHERE m.app_id = $1::varchar"
    "     AND m.supertokens_user_id = $2::varchar::bpchar),"
    "   (SELECT m.supertokens_user_id FROM {userid_mapping} m WHERE m.app_id = $1::varchar"
    "     AND m.external_user_id = $2::varchar),"
    "   $2::varchar::bpchar))" GATEHOUSE_USER_ROWS_SQL};

constexpr db::Statement kFindByInternalId = {
    "users_find_by_internal_id",
    "WITH target AS (SELECT u.primary_or_recipe_user_id AS id FROM {app_id_to_user_id} u"
    "  WHERE u.app_id = $1::varchar AND u.user_id = $2::bpchar)" GATEHOUSE_USER_ROWS_SQL};

// Users of the tenant with an account info, as wanted(type, value).
// idx_recipe_user_tenants_account_info_pattern.
#define GATEHOUSE_FIND_BY_INFO_SQL(WANTED)                                                       \
  "WITH target AS (SELECT DISTINCT u.primary_or_recipe_user_id AS id"                            \
  "  FROM " WANTED                                                                               \
  "  JOIN {recipe_user_tenants} t ON t.app_id = $1::varchar AND t.tenant_id = $2::varchar"       \
  "   AND t.account_info_type = wanted.type AND t.account_info_value = wanted.value"             \
  "  JOIN {app_id_to_user_id} u ON u.app_id = t.app_id"                                          \
  "   AND u.user_id = t.recipe_user_id)" GATEHOUSE_USER_ROWS_SQL

// Nearly every request asks for one: see kResolveOne.
constexpr db::Statement kFindByOneInfo = {
    "users_find_by_one_info",
    GATEHOUSE_FIND_BY_INFO_SQL("(SELECT $3::varchar AS type, $4::text AS value) wanted")};
constexpr db::Statement kFindByAccountInfo = {
    "users_find_by_account_info",
    GATEHOUSE_FIND_BY_INFO_SQL(
        "unnest((SELECT $3::varchar[]), (SELECT $4::text[])) AS wanted(type, value)")};

// $2: a passkey's id, whatever its relying party. gatehouse_passkeys_credential_id.
constexpr db::Statement kFindByPasskey = {
    "users_find_by_passkey",
    "WITH target AS (SELECT DISTINCT u.primary_or_recipe_user_id AS id FROM {gatehouse_passkeys} k"
    "  JOIN {app_id_to_user_id} u ON u.app_id = k.app_id AND u.user_id = k.user_id"
    "  WHERE k.app_id = $1::varchar AND k.credential_id = $2::varchar)" GATEHOUSE_USER_ROWS_SQL};

constexpr db::Statement kFindByPrimaryIds = {
    "users_find_by_primary_ids",
    "WITH target AS (SELECT unnest((SELECT $2::bpchar[])) AS id)" GATEHOUSE_USER_ROWS_SQL};

// $2: ids, internal or external, as given(id, place). $3: whether to gather each group's login
// methods. The last column: whether an external id is another user's internal one. Indexes as in
// the function, and app_id_to_user_id_primary_user_id_index. What is looked up by the row is a
// scalar subquery: a join or an EXISTS may hash all of the app's rows, by a plan from old
// statistics.
#define GATEHOUSE_RESOLVE_SQL(GIVEN)                                                  \
  "SELECT r.user_id, r.external_id, r.primary_id, r.primary_external,"                \
  " CASE WHEN $3::boolean AND r.user_id IS NOT NULL THEN ("                           \
  "   SELECT json_agg(COALESCE((SELECT lm.external_user_id FROM {userid_mapping} lm"  \
  "      WHERE lm.app_id = l.app_id AND lm.supertokens_user_id = l.user_id),"         \
  "     l.user_id::varchar) ORDER BY l.time_joined, l.user_id)"                       \
  "   FROM {app_id_to_user_id} l"                                                     \
  "   WHERE l.app_id = $1::varchar AND l.primary_or_recipe_user_id = r.primary_id"    \
  "     AND (l.user_id = r.user_id OR (SELECT 1 FROM {recipe_user_account_infos} i"   \
  "      WHERE i.app_id = l.app_id AND i.recipe_user_id = l.user_id LIMIT 1)"         \
  "     IS NOT NULL)) END,"                                                           \
  " CASE WHEN r.is_external THEN (SELECT 1 FROM {app_id_to_user_id} o"                \
  "   WHERE o.app_id = $1::varchar AND o.user_id = given.id::bpchar) IS NOT NULL END" \
  " FROM " GIVEN                                                                      \
  " CROSS JOIN LATERAL {schema}.{~gatehouse_resolve_user_id}($1::varchar, given.id) r"

// A request asks for one id nearly always. The array is hidden from the planner: it takes ten
// elements for any array, more than most have, and would plan for each at each call.
constexpr db::Statement kResolveOne = {
    "users_resolve_id", GATEHOUSE_RESOLVE_SQL("(SELECT $2::varchar AS id) AS given")};
constexpr db::Statement kResolve = {
    "users_resolve_ids",
    GATEHOUSE_RESOLVE_SQL("unnest((SELECT $2::varchar[])) WITH ORDINALITY AS given(id, place)")
    " ORDER BY given.place"};

constexpr SingleRegistryWrite kRegister = {
    {"users_register", GATEHOUSE_REGISTER_SQL GATEHOUSE_REGISTERED_SQL},
    {"users_register_dual",
     GATEHOUSE_REGISTER_SQL GATEHOUSE_REGISTER_OLD_SQL GATEHOUSE_REGISTERED_SQL}};

constexpr db::Statement kMarkVerified = {
    "users_mark_email_verified",
    "INSERT INTO {emailverification_verified_emails} (app_id, user_id, email)"
    " VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"};

void SortByTimeJoined(std::vector<v1::User>& users) {
  std::stable_sort(users.begin(), users.end(), [](const v1::User& a, const v1::User& b) {
    return a.time_joined_ms() < b.time_joined_ms();
  });
}

// The strings of a JSON array from json_agg.
std::vector<std::string> ReadJsonStrings(std::string_view text) {
  std::vector<std::string> strings;
  absl::StatusOr<json::Value> value = json::Parse(text);
  if (!value.ok()) return strings;
  for (const json::Value& element : value->elements()) {
    if (auto string = element.AsString()) strings.emplace_back(*string);
  }
  return strings;
}

}  // namespace

const v1::LoginMethod* FindLoginMethodByInternalId(const v1::User& user, std::string_view id) {
  for (const v1::LoginMethod& method : user.login_methods()) {
    if (method.supertokens_user_id() == id) return &method;
  }
  return nullptr;
}

bool IsInTenant(const v1::LoginMethod& method, std::string_view tenant_id) {
  const auto& tenants = method.tenant_ids();
  return std::find(tenants.begin(), tenants.end(), tenant_id) != tenants.end();
}

const v1::LoginMethod* FindLoginMethod(const v1::User& user, std::string_view id) {
  if (const v1::LoginMethod* method = FindLoginMethodByInternalId(user, id)) return method;
  for (const v1::LoginMethod& method : user.login_methods()) {
    if (method.recipe_user_id() == id) return &method;
  }
  return nullptr;
}

absl::Status TenantGone(const Where& scope, absl::Status status) {
  if (db::ViolatesConstraint(status, "_tenant_id_fkey") ||
      db::ViolatesConstraint(status, "_app_id_fkey")) {
    return tenancy::TenantNotFound(scope.tenant->scope());
  }
  return status;
}

absl::StatusOr<std::optional<v1::User>> PgUserStore::FindById(const Where& scope,
                                                              std::string_view id) {
  return FindOne(scope, kFindById, id);
}

absl::StatusOr<std::optional<v1::User>> PgUserStore::FindByInternalId(const Where& scope,
                                                                      std::string_view id) {
  return FindOne(scope, kFindByInternalId, id);
}

absl::StatusOr<std::optional<v1::User>> PgUserStore::FindOne(const Where& scope,
                                                             const db::Statement& statement,
                                                             std::string_view id) {
  ASSIGN_OR_RETURN(db::Database* db, databases_.Of(*scope.tenant));
  ASSIGN_OR_RETURN(db::Result result,
                   db->Execute(scope.deadline, statement, {scope.app_id(), id}));
  std::vector<v1::User> users = ReadUsers(result);
  if (users.empty()) return std::nullopt;
  return std::move(users.front());
}

absl::StatusOr<std::vector<v1::User>> PgUserStore::FindByAccountInfo(
    const Where& scope, const std::vector<AccountInfo>& infos) {
  ASSIGN_OR_RETURN(db::Database* db, databases_.Of(*scope.tenant));
  const bool one = infos.size() == 1;
  db::Params params = {scope.app_id(), scope.tenant_id()};
  if (one) {
    params.Add(infos.front().type).Add(infos.front().value);
  } else {
    db::TextArray types, values;
    for (const AccountInfo& info : infos) {
      types.values.push_back(info.type);
      values.values.push_back(info.value);
    }
    params.Add(types).Add(values);
  }
  ASSIGN_OR_RETURN(
      db::Result result,
      db->Execute(scope.deadline, one ? kFindByOneInfo : kFindByAccountInfo, params));
  std::vector<v1::User> users = ReadUsers(result);
  SortByTimeJoined(users);
  return users;
}

absl::StatusOr<std::vector<v1::User>> PgUserStore::FindByPasskey(const Where& scope,
                                                                 std::string_view credential_id) {
  ASSIGN_OR_RETURN(db::Database* db, databases_.Of(*scope.tenant));
  ASSIGN_OR_RETURN(db::Result result, db->Execute(scope.deadline, kFindByPasskey,
                                                  {scope.app_id(), credential_id}));
  std::vector<v1::User> users = ReadUsers(result);
  SortByTimeJoined(users);
  return users;
}

absl::StatusOr<std::vector<v1::User>> PgUserStore::FindByPrimaryIds(
    const Where& scope, const std::vector<std::string>& ids) {
  if (ids.empty()) return std::vector<v1::User>();
  ASSIGN_OR_RETURN(db::Database* db, databases_.Of(*scope.tenant));
  ASSIGN_OR_RETURN(db::Result result, db->Execute(scope.deadline, kFindByPrimaryIds,
                                                  {scope.app_id(), db::TextArray{ids}}));
  std::unordered_map<std::string, v1::User> by_id;
  for (v1::User& user : ReadUsers(result)) {
    std::string id = user.supertokens_user_id();
    by_id.emplace(std::move(id), std::move(user));
  }
  std::vector<v1::User> users;
  for (const std::string& id : ids) {
    auto found = by_id.find(id);
    if (found != by_id.end()) users.push_back(std::move(found->second));
  }
  return users;
}

absl::StatusOr<std::vector<ResolvedId>> PgUserStore::Resolve(const Where& scope,
                                                             const std::vector<std::string>& ids,
                                                             bool include_linked) {
  if (ids.empty()) return std::vector<ResolvedId>();
  ASSIGN_OR_RETURN(db::Database* db, databases_.Of(*scope.tenant));
  ASSIGN_OR_RETURN(
      db::Result result,
      ids.size() == 1
          ? db->Execute(scope.deadline, kResolveOne, {scope.app_id(), ids.front(), include_linked})
          : db->Execute(scope.deadline, kResolve,
                        {scope.app_id(), db::TextArray{ids}, include_linked}));
  std::vector<ResolvedId> resolved;
  resolved.reserve(ids.size());
  for (const db::Row row : result) {
    ResolvedId& id = resolved.emplace_back();
    id.input = ids[resolved.size() - 1];
    id.found = !row.IsNull(0);
    if (!id.found) continue;
    id.user_id = std::string(row.Trimmed(0));
    id.external_id = std::string(row.Text(1));
    id.primary_id = std::string(row.Trimmed(2));
    id.primary_external = std::string(row.Text(3));
    id.linked_external = ReadJsonStrings(row.Text(4));
    id.hides_user = !row.IsNull(5) && row.Bool(5);
  }
  return resolved;
}

absl::StatusOr<bool> PgUserStore::Register(const Where& scope, const NewIdentity& user) {
  ASSIGN_OR_RETURN(const std::vector<IdentityRow> rows, RowsOf(user.identity));
  ASSIGN_OR_RETURN(db::Database* db, databases_.Of(*scope.tenant));
  absl::StatusOr<db::Result> result =
      kRegister.Execute(*db, scope, RegisterParams(scope, user, rows));
  if (!result.ok()) return TenantGone(scope, result.status());
  return result->front().Int64(0) > 0;
}

absl::StatusOr<IdentityChange> PgUserStore::ChangeIdentity(const Where& scope,
                                                           std::string_view recipe_id,
                                                           std::string_view user_id,
                                                           const IdentityUpdate& update) {
  ASSIGN_OR_RETURN(db::Database* db, databases_.Of(*scope.tenant));
  IdentityChange change;
  const absl::Status status =
      db->Transact(scope.deadline, [&](db::Transaction& transaction) -> absl::Status {
        change = IdentityChange();
        ASSIGN_OR_RETURN(change, ChangeIdentityIn(transaction, scope, recipe_id, user_id, update));
        return change.result == IdentityChange::Result::kDone ? absl::OkStatus()
                                                              : absl::CancelledError();
      });
  if (!status.ok() && change.result == IdentityChange::Result::kDone) return status;
  return change;
}

absl::Status PgUserStore::MarkEmailVerified(const Where& scope, std::string_view user_id,
                                            std::string_view email) {
  ASSIGN_OR_RETURN(db::Database* db, databases_.Of(*scope.tenant));
  return TenantGone(
      scope, db->Execute(scope.deadline, kMarkVerified, {scope.app_id(), user_id, email}).status());
}

}  // namespace gatehouse::users
