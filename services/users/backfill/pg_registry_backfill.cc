#include "services/users/backfill/pg_registry_backfill.h"

#include <string>
#include <utility>
#include <vector>

#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/db/database.h"
#include "services/users/backfill/pg_phone_numbers.h"

namespace gatehouse::users {
namespace {

constexpr int kBatch = 1000;  // the original's; a batch takes some 0.1 s

// $1: the table's name. Whether it exists, and has the columns of cores since 12.0.
constexpr db::Statement kShape = {
    "backfill_shape",
    "SELECT to_regclass($1::text) IS NOT NULL, EXISTS (SELECT 1 FROM pg_attribute"
    " WHERE attrelid = to_regclass($1::text) AND attname = 'time_joined' AND NOT attisdropped)"};
constexpr db::Statement kAnybody = {"backfill_anybody",
                                    "SELECT EXISTS (SELECT 1 FROM {app_id_to_user_id})"};
constexpr db::Statement kPending = {
    "backfill_pending", "SELECT EXISTS (SELECT 1 FROM {app_id_to_user_id} WHERE time_joined = 0)"};

// The registry's tables fill while this runs. Plans made without statistics would read all of their
// rows for each user: so they are analysed whenever they have doubled, and the steps of a statement
// are kept separate (MATERIALIZED).
constexpr std::string_view kCountRows =
    "ANALYZE {recipe_user_account_infos}; ANALYZE {recipe_user_tenants};"
    " ANALYZE {primary_user_tenants}";
// The source tables may have no statistics: restored from a dump, or just created.
constexpr std::string_view kCountSources =
    "ANALYZE {app_id_to_user_id}; ANALYZE {all_auth_recipe_users}; ANALYZE {emailpassword_users};"
    " ANALYZE {thirdparty_users}; ANALYZE {passwordless_users}; ANALYZE {webauthn_users};"
    " ANALYZE {gatehouse_listed_users}";
constexpr std::string_view kPlanByIndex = "SET LOCAL enable_seqscan = off; SET LOCAL jit = off";

// After ($1, $2), in the order of the primary key. $3: limit.
#define GATEHOUSE_CLAIM_SQL                                                  \
  "SELECT app_id, user_id, recipe_id FROM {app_id_to_user_id}"               \
  " WHERE (app_id, user_id) > ($1::varchar, $2::bpchar) AND time_joined = 0" \
  " ORDER BY app_id, user_id LIMIT $3::bigint FOR UPDATE"
constexpr db::Statement kClaim = {"backfill_claim", GATEHOUSE_CLAIM_SQL " SKIP LOCKED"};
constexpr db::Statement kClaimWaiting = {"backfill_claim_waiting", GATEHOUSE_CLAIM_SQL};

// In all statements: $1 apps and $2 internal ids of the batch, by position.
#define GATEHOUSE_BATCH_SQL                                               \
  "WITH batch AS MATERIALIZED (SELECT u.app_id, u.user_id, u.recipe_id, " \
  "u.primary_or_recipe_user_id,"                                          \
  "   u.is_linked_or_is_a_primary_user, u.time_joined"                    \
  "  FROM unnest($1::varchar[], $2::bpchar[]) AS given(app_id, user_id)"  \
  "  JOIN {app_id_to_user_id} u ON u.app_id = given.app_id AND u.user_id = given.user_id)"

// The members of all groups that the batch belongs to. app_id_to_user_id_primary_user_id_index.
#define GATEHOUSE_MEMBERS_SQL                                                         \
  ", led AS (SELECT app_id, primary_or_recipe_user_id AS id,"                         \
  "   bool_or(is_linked_or_is_a_primary_user) AS is_group FROM batch GROUP BY 1, 2)," \
  " members AS MATERIALIZED (SELECT u.app_id, u.user_id, u.recipe_id, "               \
  "u.primary_or_recipe_user_id,"                                                      \
  "   u.time_joined, led.is_group FROM led JOIN {app_id_to_user_id} u"                \
  "   ON u.app_id = led.app_id AND u.primary_or_recipe_user_id = led.id)"

// The login data of a user `m`, from its recipe's own table, by primary key.
#define GATEHOUSE_LOGINS_SQL                                                                   \
  " CROSS JOIN LATERAL ("                                                                      \
  "SELECT 'email' AS type, c.email::text AS value, '' AS tp, '' AS tp_user, c.time_joined"     \
  "  FROM {emailpassword_users} c WHERE m.recipe_id = 'emailpassword'"                         \
  "   AND c.app_id = m.app_id AND c.user_id = m.user_id"                                       \
  " UNION ALL SELECT 'email', c.email, c.third_party_id, c.third_party_user_id, c.time_joined" \
  "  FROM {thirdparty_users} c WHERE m.recipe_id = 'thirdparty'"                               \
  "   AND c.app_id = m.app_id AND c.user_id = m.user_id"                                       \
  " UNION ALL SELECT 'tparty', c.third_party_id || '::' || c.third_party_user_id, '', '',"     \
  "   c.time_joined FROM {thirdparty_users} c WHERE m.recipe_id = 'thirdparty'"                \
  "   AND c.app_id = m.app_id AND c.user_id = m.user_id"                                       \
  " UNION ALL SELECT 'email', c.email, '', '', c.time_joined"                                  \
  "  FROM {passwordless_users} c WHERE m.recipe_id = 'passwordless' AND c.email IS NOT NULL"   \
  "   AND c.app_id = m.app_id AND c.user_id = m.user_id"                                       \
  " UNION ALL SELECT 'phone', c.phone_number, '', '', c.time_joined"                           \
  "  FROM {passwordless_users} c WHERE m.recipe_id = 'passwordless'"                           \
  "   AND c.phone_number IS NOT NULL AND c.app_id = m.app_id AND c.user_id = m.user_id"        \
  " UNION ALL SELECT 'email', c.email, '', '', c.time_joined"                                  \
  "  FROM {webauthn_users} c WHERE m.recipe_id = 'webauthn'"                                   \
  "   AND c.app_id = m.app_id AND c.user_id = m.user_id) l"

constexpr db::Statement kAddInfos = {
    "backfill_infos", GATEHOUSE_BATCH_SQL
    " INSERT INTO {recipe_user_account_infos} (app_id, recipe_user_id, recipe_id,"
    "  account_info_type, account_info_value, third_party_id, third_party_user_id,"
    "  primary_user_id)"
    " SELECT m.app_id, m.user_id, m.recipe_id, l.type, l.value, l.tp, l.tp_user,"
    "  CASE WHEN m.is_linked_or_is_a_primary_user THEN m.primary_or_recipe_user_id END"
    " FROM batch m" GATEHOUSE_LOGINS_SQL " ON CONFLICT DO NOTHING"};

// all_auth_recipe_user_id_app_id_index.
#define GATEHOUSE_WANTED_TENANTS_SQL                                                         \
  ", wanted AS MATERIALIZED (SELECT m.app_id, m.user_id, a.tenant_id, m.recipe_id, l.type, " \
  "l.value, l.tp,"                                                                           \
  "   l.tp_user, a.time_joined AS joined FROM batch m"                                       \
  "  JOIN {all_auth_recipe_users} a ON a.app_id = m.app_id AND a.user_id = "                 \
  "m.user_id" GATEHOUSE_LOGINS_SQL ")"

constexpr db::Statement kAddTenants = {
    "backfill_tenants", GATEHOUSE_BATCH_SQL GATEHOUSE_WANTED_TENANTS_SQL
    " INSERT INTO {recipe_user_tenants} (app_id, recipe_user_id, tenant_id, recipe_id,"
    "  account_info_type, account_info_value, third_party_id, third_party_user_id)"
    " SELECT app_id, user_id, tenant_id, recipe_id, type, value, tp, tp_user FROM wanted"
    " ORDER BY app_id, tenant_id, recipe_id, type, tp, tp_user, value, joined, user_id"
    " ON CONFLICT DO NOTHING"};

constexpr db::Statement kTenantConflicts = {
    "backfill_tenant_conflicts", GATEHOUSE_BATCH_SQL GATEHOUSE_WANTED_TENANTS_SQL
    " SELECT w.app_id, w.tenant_id, w.type, w.user_id, t.recipe_user_id FROM wanted w"
    " JOIN {recipe_user_tenants} t ON t.app_id = w.app_id AND t.tenant_id = w.tenant_id"
    "  AND t.recipe_id = w.recipe_id AND t.account_info_type = w.type"
    "  AND t.account_info_value = w.value AND t.third_party_id = w.tp"
    "  AND t.third_party_user_id = w.tp_user AND t.recipe_user_id <> w.user_id"};

// Every account info of a group in each of its tenants, whichever members the batch contains: as
// live linking reserves them.
#define GATEHOUSE_WANTED_RESERVATIONS_SQL                                                          \
  ", infos AS MATERIALIZED (SELECT DISTINCT m.app_id, m.primary_or_recipe_user_id AS id, l.type, " \
  "l.value"                                                                                        \
  "   FROM members m" GATEHOUSE_LOGINS_SQL                                                         \
  " WHERE m.is_group),"                                                                            \
  " homes AS MATERIALIZED (SELECT DISTINCT m.app_id, m.primary_or_recipe_user_id AS id, "          \
  "a.tenant_id"                                                                                    \
  "   FROM members m JOIN {all_auth_recipe_users} a"                                               \
  "   ON a.app_id = m.app_id AND a.user_id = m.user_id WHERE m.is_group)"

constexpr db::Statement kReserve = {
    "backfill_reserve", GATEHOUSE_BATCH_SQL GATEHOUSE_MEMBERS_SQL GATEHOUSE_WANTED_RESERVATIONS_SQL
    " INSERT INTO {primary_user_tenants} (app_id, tenant_id, account_info_type,"
    "  account_info_value, primary_user_id)"
    " SELECT i.app_id, h.tenant_id, i.type, i.value, i.id FROM infos i"
    " JOIN homes h ON h.app_id = i.app_id AND h.id = i.id"
    " ORDER BY 1, 2, 3, 4, 5 ON CONFLICT DO NOTHING"};

constexpr db::Statement kReservationConflicts = {
    "backfill_reservation_conflicts",
    GATEHOUSE_BATCH_SQL GATEHOUSE_MEMBERS_SQL GATEHOUSE_WANTED_RESERVATIONS_SQL
    " SELECT i.app_id, h.tenant_id, i.type, i.id, p.primary_user_id FROM infos i"
    " JOIN homes h ON h.app_id = i.app_id AND h.id = i.id"
    " JOIN {primary_user_tenants} p ON p.app_id = i.app_id AND p.tenant_id = h.tenant_id"
    "  AND p.account_info_type = i.type AND p.account_info_value = i.value"
    "  AND p.primary_user_id <> i.id"};

// A user's time joined comes from the old registry, or else from its credentials; an id without a
// login method gets its group's; one that leads no group has no time, and gets that of the
// migration.
constexpr db::Statement kSetTimes = {
    "backfill_times", GATEHOUSE_BATCH_SQL GATEHOUSE_MEMBERS_SQL
    ", own AS MATERIALIZED (SELECT m.app_id, m.user_id, m.primary_or_recipe_user_id AS id,"
    "   COALESCE(NULLIF(m.time_joined, 0), (SELECT NULLIF(min(a.time_joined), 0)"
    "    FROM {all_auth_recipe_users} a WHERE a.app_id = m.app_id AND a.user_id = m.user_id),"
    "    (SELECT NULLIF(min(l.time_joined), 0) FROM (SELECT 1) AS one" GATEHOUSE_LOGINS_SQL
    ")) AS joined FROM members m),"
    " timed AS MATERIALIZED (SELECT app_id, user_id, joined, COALESCE("
    "   min(joined) OVER (PARTITION BY app_id, id),"
    "   (EXTRACT(EPOCH FROM now()) * 1000)::bigint) AS group_joined FROM own)"
    " UPDATE {app_id_to_user_id} u SET time_joined = COALESCE(t.joined, t.group_joined),"
    "  primary_or_recipe_user_time_joined = t.group_joined"
    " FROM timed t WHERE t.user_id = ANY($2::bpchar[])"
    " AND u.app_id = t.app_id AND u.user_id = t.user_id"};

constexpr db::Statement kUnusual = {
    "backfill_unusual", GATEHOUSE_BATCH_SQL
    " SELECT count(*) FILTER (WHERE i.found AND NOT t.found), count(*) FILTER (WHERE NOT i.found)"
    " FROM batch b CROSS JOIN LATERAL (SELECT EXISTS (SELECT 1 FROM {recipe_user_account_infos} r"
    "   WHERE r.app_id = b.app_id AND r.recipe_user_id = b.user_id) AS found) i"
    " CROSS JOIN LATERAL (SELECT EXISTS (SELECT 1 FROM {recipe_user_tenants} r"
    "   WHERE r.app_id = b.app_id AND r.recipe_user_id = b.user_id) AS found) t"};

// $1: a table's name; the users of one.
constexpr db::Statement kHasTable = {"backfill_has_table",
                                     "SELECT to_regclass($1::text) IS NOT NULL"};
#define GATEHOUSE_UNKNOWN_SQL(table)           \
  "SELECT user_id, recipe_id FROM " table      \
  " WHERE recipe_id NOT IN ('emailpassword', " \
  "'thirdparty', 'passwordless', 'webauthn') LIMIT 1"
constexpr db::Statement kUnknown = {"backfill_unknown",
                                    GATEHOUSE_UNKNOWN_SQL("{app_id_to_user_id}")};
constexpr db::Statement kUnknownBefore6 = {"backfill_unknown_before_6",
                                           GATEHOUSE_UNKNOWN_SQL("{all_auth_recipe_users}")};

bool IsKnownRecipe(std::string_view recipe) {
  return recipe == "emailpassword" || recipe == "thirdparty" || recipe == "passwordless" ||
         recipe == "webauthn";
}

struct Batch {
  std::string last_app, last_user;
  int64_t users = 0, without_tenant = 0, without_login = 0;
  std::vector<std::string> conflicts;
};

void Describe(const db::Result& conflicts, std::string_view whose, Batch& batch) {
  for (const db::Row row : conflicts) {
    batch.conflicts.push_back(StrCat("conflict in app ", row.Text(0), ", tenant ", row.Text(1),
                                     ": the ", row.Text(2), " of ", whose, " ", row.Trimmed(3),
                                     " belongs to ", row.Trimmed(4), " already"));
  }
}

absl::Status FillBatch(db::Transaction& transaction, const db::Result& claimed, Batch& batch) {
  db::TextArray apps, users;
  for (const db::Row row : claimed) {
    if (!IsKnownRecipe(row.Text(2))) {
      return absl::FailedPreconditionError(
          StrCat("the user ", row.Trimmed(1), " of app ", row.Text(0), " is of an unknown recipe"));
    }
    apps.values.emplace_back(row.Text(0));
    users.values.emplace_back(row.Trimmed(1));
  }
  const db::Params params = {apps, users};
  RETURN_IF_ERROR(NormalisePhoneNumbers(transaction, apps, users));
  RETURN_IF_ERROR(transaction.Execute(kAddInfos, params).status());
  RETURN_IF_ERROR(transaction.Execute(kAddTenants, params).status());
  RETURN_IF_ERROR(transaction.Execute(kReserve, params).status());
  ASSIGN_OR_RETURN(const db::Result taken, transaction.Execute(kTenantConflicts, params));
  ASSIGN_OR_RETURN(const db::Result reserved, transaction.Execute(kReservationConflicts, params));
  RETURN_IF_ERROR(transaction.Execute(kSetTimes, params).status());
  ASSIGN_OR_RETURN(const db::Result unusual, transaction.Execute(kUnusual, params));
  Describe(taken, "user", batch);
  Describe(reserved, "primary user", batch);
  batch.users = claimed.rows();
  batch.without_tenant = unusual.front().Int64(0);
  batch.without_login = unusual.front().Int64(1);
  batch.last_app = apps.values.back();
  batch.last_user = users.values.back();
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<bool> RegistryIsComplete(db::Database& database, absl::Time deadline) {
  ASSIGN_OR_RETURN(
      const db::Result shape,
      database.Execute(deadline, kShape, {database.tables().Qualified("app_id_to_user_id")}));
  if (!shape.front().Bool(0)) return true;
  ASSIGN_OR_RETURN(const db::Result pending,
                   database.Execute(deadline, shape.front().Bool(1) ? kPending : kAnybody));
  return !pending.front().Bool(0);
}

absl::Status CheckRecipes(db::Database& database, absl::Time deadline) {
  const db::Statement* unknown = nullptr;
  for (const auto& [table, statement] : {std::pair("app_id_to_user_id", &kUnknown),
                                         std::pair("all_auth_recipe_users", &kUnknownBefore6)}) {
    ASSIGN_OR_RETURN(const db::Result found,
                     database.Execute(deadline, kHasTable, {database.tables().Qualified(table)}));
    if (unknown == nullptr && found.front().Bool(0)) unknown = statement;
  }
  if (unknown == nullptr) return absl::OkStatus();
  ASSIGN_OR_RETURN(const db::Result users, database.Execute(deadline, *unknown));
  if (users.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(StrCat("the user ", users.front().Trimmed(0),
                                              " is of an unknown recipe (", users.front().Text(1),
                                              "), and nothing was changed"));
}

absl::StatusOr<BackfillCounts> BackfillRegistry(
    db::Database& database, absl::Time deadline,
    const std::function<void(std::string_view)>& progress) {
  BackfillCounts counts;
  ASSIGN_OR_RETURN(const bool complete, RegistryIsComplete(database, deadline));
  if (complete) return counts;
  RETURN_IF_ERROR(database.ExecuteScript(deadline, kCountSources));
  int64_t count_rows_at = 1;
  std::string app, user;
  // Rows locked by another run are left to it at first, and checked again at the end.
  bool waiting = false;
  while (true) {
    Batch batch;
    RETURN_IF_ERROR(database.Transact(deadline, [&](db::Transaction& transaction) -> absl::Status {
      batch = Batch();
      RETURN_IF_ERROR(transaction.ExecuteScript(kPlanByIndex));
      ASSIGN_OR_RETURN(const db::Result claimed,
                       transaction.Execute(waiting ? kClaimWaiting : kClaim, {app, user, kBatch}));
      return claimed.empty() ? absl::OkStatus() : FillBatch(transaction, claimed, batch);
    }));
    if (batch.users == 0) {
      if (waiting) return counts;
      waiting = true;
      app.clear();
      user.clear();
      continue;
    }
    app = batch.last_app;
    user = batch.last_user;
    counts.users += batch.users;
    if (counts.users >= count_rows_at) {
      count_rows_at = 2 * counts.users;
      RETURN_IF_ERROR(database.ExecuteScript(deadline, kCountRows));
    }
    counts.without_tenant += batch.without_tenant;
    counts.without_login += batch.without_login;
    counts.conflicts += static_cast<int64_t>(batch.conflicts.size());
    for (const std::string& conflict : batch.conflicts) progress(conflict);
    progress(StrCat(std::to_string(counts.users), " users brought over"));
  }
}

}  // namespace gatehouse::users
