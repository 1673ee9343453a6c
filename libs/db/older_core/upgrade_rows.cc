#include "libs/db/older_core/upgrade_rows.h"

#include <string>
#include <vector>

#include "libs/base/status.h"
#include "libs/base/strings.h"

namespace gatehouse::db {
namespace {

constexpr int kBatch = 1000;  // some 0.1 s

// In all statements: $1 to the last but one is the primary key of the row after which a batch
// begins, $n its size. The batch's last key is returned.

constexpr Statement kFillUsers = {
    "older_core_fill_users",
    "WITH batch AS MATERIALIZED (SELECT app_id, tenant_id, user_id FROM {all_auth_recipe_users} "
    "  WHERE (app_id, tenant_id, user_id) > ($1::varchar, $2::varchar, $3::bpchar) "
    "  ORDER BY app_id, tenant_id, user_id LIMIT $4::bigint), "
    "filled AS (UPDATE {all_auth_recipe_users} u SET primary_or_recipe_user_id = u.user_id, "
    "  primary_or_recipe_user_time_joined = u.time_joined FROM batch b "
    "  WHERE u.app_id = b.app_id AND u.tenant_id = b.tenant_id AND u.user_id = b.user_id "
    "  AND u.primary_or_recipe_user_id = '0') "
    "SELECT app_id, tenant_id, user_id FROM batch "
    "ORDER BY app_id DESC, tenant_id DESC, user_id DESC LIMIT 1"};

constexpr Statement kFillIds = {
    "older_core_fill_ids",
    "WITH batch AS MATERIALIZED (SELECT app_id, user_id FROM {app_id_to_user_id} "
    "  WHERE (app_id, user_id) > ($1::varchar, $2::bpchar) "
    "  ORDER BY app_id, user_id LIMIT $3::bigint), "
    "filled AS (UPDATE {app_id_to_user_id} u SET primary_or_recipe_user_id = u.user_id "
    "  FROM batch b WHERE u.app_id = b.app_id AND u.user_id = b.user_id "
    "  AND u.primary_or_recipe_user_id = '0') "
    "SELECT app_id, user_id FROM batch ORDER BY app_id DESC, user_id DESC LIMIT 1"};

constexpr char kPublicTenant[] =
    "INSERT INTO {apps} (app_id, created_at_time) VALUES ('public', 0) ON CONFLICT DO NOTHING;\n"
    "INSERT INTO {tenants} (app_id, tenant_id, created_at_time) VALUES ('public', 'public', 0) "
    "ON CONFLICT DO NOTHING";

constexpr Statement kAddIds = {
    "older_core_add_ids",
    "WITH batch AS MATERIALIZED (SELECT app_id, tenant_id, user_id, recipe_id "
    "  FROM {all_auth_recipe_users} "
    "  WHERE (app_id, tenant_id, user_id) > ($1::varchar, $2::varchar, $3::bpchar) "
    "  ORDER BY app_id, tenant_id, user_id LIMIT $4::bigint), "
    "added AS (INSERT INTO {app_id_to_user_id} "
    "  (app_id, user_id, recipe_id, primary_or_recipe_user_id, is_linked_or_is_a_primary_user) "
    "  SELECT DISTINCT app_id, user_id, recipe_id, user_id, false FROM batch "
    "  ON CONFLICT DO NOTHING) "
    "SELECT app_id, tenant_id, user_id FROM batch "
    "ORDER BY app_id DESC, tenant_id DESC, user_id DESC LIMIT 1"};

// For the users of one recipe, in the tenants where they are.
#define GATEHOUSE_ADD_TO_TENANTS_SQL(users, target, columns)                           \
  "WITH batch AS MATERIALIZED (SELECT app_id, user_id, " columns " FROM " users        \
  "  WHERE (app_id, user_id) > ($1::varchar, $2::bpchar) "                             \
  "  ORDER BY app_id, user_id LIMIT $3::bigint), "                                     \
  "added AS (INSERT INTO " target " (app_id, tenant_id, user_id, " columns             \
  ") "                                                                                 \
  "  SELECT b.app_id, a.tenant_id, b.user_id, " columns                                \
  " FROM batch b "                                                                     \
  "  JOIN {all_auth_recipe_users} a ON a.app_id = b.app_id AND a.user_id = b.user_id " \
  "  ON CONFLICT DO NOTHING) "                                                         \
  "SELECT app_id, user_id FROM batch ORDER BY app_id DESC, user_id DESC LIMIT 1"

constexpr Statement kAddEmailPassword = {
    "older_core_add_emailpassword",
    GATEHOUSE_ADD_TO_TENANTS_SQL("{emailpassword_users}", "{emailpassword_user_to_tenant}",
                                 "email")};
constexpr Statement kAddPasswordless = {
    "older_core_add_passwordless",
    GATEHOUSE_ADD_TO_TENANTS_SQL("{passwordless_users}", "{passwordless_user_to_tenant}",
                                 "email, phone_number")};
constexpr Statement kAddThirdParty = {
    "older_core_add_thirdparty",
    GATEHOUSE_ADD_TO_TENANTS_SQL("{thirdparty_users}", "{thirdparty_user_to_tenant}",
                                 "third_party_id, third_party_user_id")};

// Plans made without statistics on the rows that the triggers look up would read all of them for
// each user; so they are analysed whenever they have doubled.
constexpr std::string_view kCountIds =
    "ANALYZE {app_id_to_user_id}; ANALYZE {gatehouse_listed_users}; "
    "ANALYZE {gatehouse_user_counts}";
constexpr std::string_view kCountAll =
    "ANALYZE {app_id_to_user_id}; ANALYZE {all_auth_recipe_users}; "
    "ANALYZE {emailpassword_user_to_tenant}; ANALYZE {passwordless_user_to_tenant}; "
    "ANALYZE {thirdparty_user_to_tenant}";

// Runs `statement` batch by batch, over a key of `columns` columns, and `count_rows`, if any,
// whenever the number of batches done has doubled.
absl::Status RunBatches(Database& database, absl::Time deadline, const Statement& statement,
                        int columns, std::string_view count_rows = "") {
  std::vector<std::string> after(columns);
  for (int64_t batches = 1, count_at = 1;; ++batches) {
    Params params;
    for (const std::string& value : after) params.Add(value);
    params.Add(kBatch);
    ASSIGN_OR_RETURN(const Result last, database.Execute(deadline, statement, params));
    if (last.empty()) return absl::OkStatus();
    for (int i = 0; i < columns; ++i) after[i] = std::string(last.front().Text(i));
    if (batches == count_at && !count_rows.empty()) {
      count_at *= 2;
      RETURN_IF_ERROR(database.ExecuteScript(deadline, count_rows));
    }
  }
}

}  // namespace

absl::Status FillPrimaryIds(Database& database, absl::Time deadline, std::string_view table) {
  const bool ids = table == "app_id_to_user_id";
  RETURN_IF_ERROR(RunBatches(database, deadline, ids ? kFillIds : kFillUsers, ids ? 2 : 3));
  return database.ExecuteScript(deadline, StrCat("ANALYZE {", table, "}"));
}

absl::Status FillTenantRows(Database& database, absl::Time deadline,
                            const std::function<void(std::string_view)>& progress) {
  RETURN_IF_ERROR(database.ExecuteScript(deadline, kPublicTenant));
  progress("users of the public tenant");
  RETURN_IF_ERROR(RunBatches(database, deadline, kAddIds, 3, kCountIds));
  RETURN_IF_ERROR(RunBatches(database, deadline, kAddEmailPassword, 2));
  RETURN_IF_ERROR(RunBatches(database, deadline, kAddPasswordless, 2));
  RETURN_IF_ERROR(RunBatches(database, deadline, kAddThirdParty, 2));
  return database.ExecuteScript(deadline, kCountAll);
}

}  // namespace gatehouse::db
