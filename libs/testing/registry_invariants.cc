#include "libs/testing/registry_invariants.h"

#include "libs/base/strings.h"
#include "libs/testing/pg_test_server.h"

namespace gatehouse::testing {
namespace {

// A rule's description, and the rows that break it as one text column.
struct Rule {
  const char* words;
  db::Statement violations;
};

constexpr Rule kRules[] = {
    {"a user that is not linked is its own group",
     {"invariant_not_linked",
      "SELECT user_id::text FROM {app_id_to_user_id} WHERE NOT is_linked_or_is_a_primary_user"
      " AND primary_or_recipe_user_id <> user_id"}},
    {"a linked user's primary user is one",
     {"invariant_primary",
      "SELECT u.user_id::text FROM {app_id_to_user_id} u"
      " WHERE u.is_linked_or_is_a_primary_user AND NOT EXISTS ("
      "  SELECT 1 FROM {app_id_to_user_id} p WHERE p.app_id = u.app_id"
      "  AND p.user_id = u.primary_or_recipe_user_id AND p.is_linked_or_is_a_primary_user"
      "  AND p.primary_or_recipe_user_id = p.user_id)"}},
    {"a group has one time joined",
     {"invariant_time_joined",
      "SELECT primary_or_recipe_user_id::text FROM {app_id_to_user_id}"
      " GROUP BY app_id, primary_or_recipe_user_id"
      " HAVING count(DISTINCT primary_or_recipe_user_time_joined) > 1"}},
    {"account infos belong to a user of their recipe, and name its group",
     {"invariant_infos",
      "SELECT i.recipe_user_id::text FROM {recipe_user_account_infos} i"
      " LEFT JOIN {app_id_to_user_id} u ON u.app_id = i.app_id AND u.user_id = i.recipe_user_id"
      "  AND u.recipe_id = i.recipe_id"
      " WHERE u.user_id IS NULL OR i.primary_user_id IS DISTINCT FROM CASE"
      "  WHEN u.is_linked_or_is_a_primary_user THEN u.primary_or_recipe_user_id END"}},
    {"a user has nothing in a tenant that is not its account info",
     {"invariant_tenant_infos",
      "SELECT t.recipe_user_id || ' in ' || t.tenant_id FROM {recipe_user_tenants} t"
      " LEFT JOIN {recipe_user_account_infos} i ON i.app_id = t.app_id"
      "  AND i.recipe_user_id = t.recipe_user_id AND i.recipe_id = t.recipe_id"
      "  AND i.account_info_type = t.account_info_type"
      "  AND i.account_info_value = t.account_info_value"
      "  AND i.third_party_id = t.third_party_id"
      "  AND i.third_party_user_id = t.third_party_user_id"
      " WHERE i.app_id IS NULL"}},
    {"a user has all of its account infos in each of its tenants",
     {"invariant_all_infos_in_tenants",
      "SELECT m.recipe_user_id || ' in ' || m.tenant_id FROM (SELECT DISTINCT app_id, tenant_id,"
      "  recipe_user_id FROM {recipe_user_tenants}) m"
      " JOIN {recipe_user_account_infos} i ON i.app_id = m.app_id"
      "  AND i.recipe_user_id = m.recipe_user_id"
      " WHERE NOT EXISTS (SELECT 1 FROM {recipe_user_tenants} t WHERE t.app_id = m.app_id"
      "  AND t.tenant_id = m.tenant_id AND t.recipe_user_id = m.recipe_user_id"
      "  AND t.account_info_type = i.account_info_type"
      "  AND t.account_info_value = i.account_info_value)"}},
    {"what a grouped user has in a tenant, its group holds there",
     {"invariant_reserved",
      "SELECT t.recipe_user_id || ' ' || t.account_info_type || ' in ' || t.tenant_id"
      " FROM {recipe_user_tenants} t JOIN {app_id_to_user_id} u ON u.app_id = t.app_id"
      "  AND u.user_id = t.recipe_user_id AND u.is_linked_or_is_a_primary_user"
      " WHERE NOT EXISTS (SELECT 1 FROM {primary_user_tenants} p WHERE p.app_id = t.app_id"
      "  AND p.tenant_id = t.tenant_id AND p.account_info_type = t.account_info_type"
      "  AND p.account_info_value = t.account_info_value"
      "  AND p.primary_user_id = u.primary_or_recipe_user_id)"}},
    {"a group holds nothing but its members' account infos",
     {"invariant_no_strange_info",
      "SELECT p.primary_user_id || ' ' || p.account_info_type || ' in ' || p.tenant_id"
      " FROM {primary_user_tenants} p WHERE NOT EXISTS ("
      "  SELECT 1 FROM {recipe_user_account_infos} i WHERE i.app_id = p.app_id"
      "  AND i.primary_user_id = p.primary_user_id"
      "  AND i.account_info_type = p.account_info_type"
      "  AND i.account_info_value = p.account_info_value)"}},
    {"a group holds nothing outside of its members' tenants",
     {"invariant_no_strange_tenant",
      "SELECT p.primary_user_id || ' in ' || p.tenant_id FROM {primary_user_tenants} p"
      " WHERE NOT EXISTS (SELECT 1 FROM {recipe_user_account_infos} i"
      "  JOIN {recipe_user_tenants} t ON t.app_id = i.app_id"
      "   AND t.recipe_user_id = i.recipe_user_id"
      "  WHERE i.app_id = p.app_id AND i.primary_user_id = p.primary_user_id"
      "   AND t.tenant_id = p.tenant_id)"}},
    {"credentials and account infos agree on the email",
     {"invariant_credentials",
      "SELECT COALESCE(c.user_id, i.recipe_user_id)::text FROM {emailpassword_users} c"
      " FULL JOIN (SELECT * FROM {recipe_user_account_infos} WHERE recipe_id = 'emailpassword') i"
      "  ON i.app_id = c.app_id AND i.recipe_user_id = c.user_id"
      " WHERE i.account_info_value IS DISTINCT FROM c.email"}},
};

constexpr Rule kWholeGroups = {
    "a group holds every account info of it in every tenant of it",
    {"invariant_whole_groups",
     "SELECT g.primary_user_id || ' ' || g.account_info_type || ' in ' || g.tenant_id FROM ("
     "  SELECT DISTINCT i.app_id, i.primary_user_id, i.account_info_type, i.account_info_value,"
     "   t.tenant_id FROM {recipe_user_account_infos} i"
     "  JOIN {recipe_user_account_infos} m ON m.app_id = i.app_id"
     "   AND m.primary_user_id = i.primary_user_id"
     "  JOIN {recipe_user_tenants} t ON t.app_id = m.app_id"
     "   AND t.recipe_user_id = m.recipe_user_id"
     "  WHERE i.primary_user_id IS NOT NULL) g"
     " WHERE NOT EXISTS (SELECT 1 FROM {primary_user_tenants} p WHERE p.app_id = g.app_id"
     "  AND p.tenant_id = g.tenant_id AND p.account_info_type = g.account_info_type"
     "  AND p.account_info_value = g.account_info_value"
     "  AND p.primary_user_id = g.primary_user_id)"}};

constexpr Rule kLegacyTables = {
    "the old table says the same of each user in each tenant",
    {"invariant_legacy",
     "SELECT COALESCE(o.user_id || ' in ' || o.tenant_id, n.user_id || ' in ' || n.tenant_id)"
     " FROM {all_auth_recipe_users} o FULL JOIN ("
     "  SELECT DISTINCT u.app_id, t.tenant_id, u.user_id, u.recipe_id,"
     "   u.primary_or_recipe_user_id, u.is_linked_or_is_a_primary_user, u.time_joined,"
     "   u.primary_or_recipe_user_time_joined"
     "  FROM {recipe_user_tenants} t JOIN {app_id_to_user_id} u ON u.app_id = t.app_id"
     "   AND u.user_id = t.recipe_user_id) n"
     "  ON n.app_id = o.app_id AND n.tenant_id = o.tenant_id AND n.user_id = o.user_id"
     " WHERE (o.recipe_id, o.primary_or_recipe_user_id, o.is_linked_or_is_a_primary_user,"
     "   o.time_joined, o.primary_or_recipe_user_time_joined) IS DISTINCT FROM"
     "  (n.recipe_id, n.primary_or_recipe_user_id, n.is_linked_or_is_a_primary_user,"
     "   n.time_joined, n.primary_or_recipe_user_time_joined)"}};

void Check(db::Database& database, const Rule& rule, std::vector<std::string>& violations) {
  absl::StatusOr<db::Result> rows = database.Execute(Soon(), rule.violations);
  if (!rows.ok()) {
    violations.push_back(
        StrCat("not checked: ", rule.words, ": ", db::DatabaseCause(rows.status())));
    return;
  }
  for (const db::Row row : *rows) {
    violations.push_back(StrCat("not so: ", rule.words, ": ", row.Text(0)));
  }
}

}  // namespace

std::vector<std::string> RegistryViolations(db::Database& database, const RegistryChecks& checks) {
  std::vector<std::string> violations;
  for (const Rule& rule : kRules) Check(database, rule, violations);
  if (checks.whole_groups_reserved) Check(database, kWholeGroups, violations);
  if (checks.legacy_tables) Check(database, kLegacyTables, violations);
  return violations;
}

}  // namespace gatehouse::testing
