#pragma once

#include <vector>

#include "libs/db/statement.h"
#include "services/users/registry/identity.h"

namespace gatehouse::users {

// Signs an identity up. $1 app, $2 tenant, $3 user id, $4 recipe, $5 time joined, $6 whether the
// email is verified; $7 to $10 an account info a place: kind, value, third party, user there. The
// first is the key, by which the primary key of recipe_user_tenants decides between sign-ups at
// once; the rest follows from the row that won. `decided` has a row if it was this one's.
//
// A new user is a group by itself in one tenant, so what is listed and counted needs no look-up:
// the statement writes it, and tells the triggers (migrations/users/0008) by a setting of its
// transaction, which has no other statement: SingleRegistryWrite. A session counts in rows that have
// its process as `writer`; one that another transaction folds is left alone. Where transactions see
// one snapshot, adding to a row that changed since would fail, so each begins a row.
#define GATEHOUSE_REGISTER_SQL                                                                   \
  "WITH infos AS MATERIALIZED (SELECT i.type, i.value, i.tp, i.tp_user, i.place"                 \
  "  FROM unnest($7::varchar[], $8::text[], $9::varchar[], $10::varchar[])"                      \
  "   WITH ORDINALITY AS i(type, value, tp, tp_user, place)"                                     \
  "  WHERE set_config('gatehouse.lists_itself', 'on', true) = 'on'),"                            \
  " decided AS (INSERT INTO {recipe_user_tenants} (app_id, recipe_user_id, tenant_id,"           \
  "   recipe_id, account_info_type, account_info_value, third_party_id, third_party_user_id)"    \
  "  SELECT $1::varchar, $3::bpchar, $2::varchar, $4::varchar, i.type, i.value, i.tp, i.tp_user" \
  "  FROM infos i WHERE i.place = 1"                                                             \
  "  ON CONFLICT DO NOTHING RETURNING app_id, recipe_user_id, tenant_id),"                       \
  " others AS (INSERT INTO {recipe_user_tenants} (app_id, recipe_user_id, tenant_id,"            \
  "   recipe_id, account_info_type, account_info_value, third_party_id, third_party_user_id)"    \
  "  SELECT d.app_id, d.recipe_user_id, d.tenant_id, $4::varchar, i.type, i.value, i.tp,"        \
  "   i.tp_user FROM decided d CROSS JOIN infos i WHERE i.place > 1),"                           \
  " identity AS (INSERT INTO {app_id_to_user_id} (app_id, user_id, recipe_id,"                   \
  "   primary_or_recipe_user_id, is_linked_or_is_a_primary_user, time_joined,"                   \
  "   primary_or_recipe_user_time_joined)"                                                       \
  "  SELECT app_id, recipe_user_id, $4::varchar, recipe_user_id, FALSE, $5::bigint, $5::bigint"  \
  "  FROM decided),"                                                                             \
  " account AS (INSERT INTO {recipe_user_account_infos} (app_id, recipe_user_id, recipe_id,"     \
  "   account_info_type, account_info_value, third_party_id, third_party_user_id,"               \
  "   primary_user_id)"                                                                          \
  "  SELECT d.app_id, d.recipe_user_id, $4::varchar, i.type, i.value, i.tp, i.tp_user, NULL"     \
  "  FROM decided d CROSS JOIN infos i),"                                                        \
  " verified AS (INSERT INTO {emailverification_verified_emails} (app_id, user_id, email)"       \
  "  SELECT d.app_id, d.recipe_user_id, i.value FROM decided d CROSS JOIN infos i"               \
  "  WHERE i.type = 'email' AND $6::boolean ON CONFLICT DO NOTHING),"                            \
  " lists AS (SELECT d.app_id, l.tenant_id, d.recipe_user_id,"                                   \
  "   {schema}.{~gatehouse_recipe_bit}($4::varchar) AS recipes"                                  \
  "  FROM decided d CROSS JOIN LATERAL (VALUES (d.tenant_id), ('')) AS l(tenant_id)),"           \
  " listed AS (INSERT INTO {gatehouse_listed_users} (app_id, tenant_id, primary_user_id,"        \
  "   recipes, time_joined)"                                                                     \
  "  SELECT app_id, tenant_id, recipe_user_id, recipes, $5::bigint FROM lists),"                 \
  " counts AS MATERIALIZED (SELECT l.app_id, l.tenant_id, l.recipes, c.id FROM lists l"          \
  "  LEFT JOIN LATERAL (SELECT o.id FROM {gatehouse_user_counts} o WHERE o.app_id = l.app_id"    \
  "    AND o.tenant_id = l.tenant_id AND o.recipes = l.recipes AND o.writer = pg_backend_pid()"  \
  "    AND current_setting('transaction_isolation') = 'read committed'"                          \
  "    ORDER BY o.id LIMIT 1 FOR UPDATE SKIP LOCKED) c ON TRUE),"                                \
  " counted AS (UPDATE {gatehouse_user_counts} o SET users = o.users + 1 FROM counts c"          \
  "  WHERE o.app_id = c.app_id AND o.tenant_id = c.tenant_id AND o.recipes = c.recipes"          \
  "   AND o.writer = pg_backend_pid() AND o.id = c.id),"                                         \
  " began AS (INSERT INTO {gatehouse_user_counts} (app_id, tenant_id, recipes, writer, users)"   \
  "  SELECT app_id, tenant_id, recipes, pg_backend_pid(), 1 FROM counts WHERE id IS NULL"        \
  "  RETURNING app_id, tenant_id),"                                                              \
  " folded AS MATERIALIZED (SELECT {schema}.{~gatehouse_fold_users}(app_id, tenant_id)"          \
  "  FROM began WHERE random() < 1.0 / 16)"

// Of GATEHOUSE_REGISTER_SQL and what follows it: a row whose first column is how many signed up.
#define GATEHOUSE_REGISTERED_SQL \
  " SELECT (SELECT count(*) FROM decided), (SELECT count(*) FROM folded)"

// The same in the old tables; follows it.
#define GATEHOUSE_REGISTER_OLD_SQL                                                                \
  ", old_list AS (INSERT INTO {all_auth_recipe_users} (app_id, tenant_id, user_id,"               \
  "   primary_or_recipe_user_id, is_linked_or_is_a_primary_user, recipe_id, time_joined,"         \
  "   primary_or_recipe_user_time_joined)"                                                        \
  "  SELECT app_id, tenant_id, recipe_user_id, recipe_user_id, FALSE, $4::varchar, $5::bigint,"   \
  "   $5::bigint FROM decided),"                                                                  \
  " old_passwords AS (INSERT INTO {emailpassword_user_to_tenant} (app_id, tenant_id, user_id,"    \
  "   email)"                                                                                     \
  "  SELECT d.app_id, d.tenant_id, d.recipe_user_id, i.value FROM decided d CROSS JOIN infos i"   \
  "  WHERE $4::varchar = 'emailpassword' AND i.type = 'email'),"                                  \
  " old_third_party AS (INSERT INTO {thirdparty_user_to_tenant} (app_id, tenant_id, user_id,"     \
  "   third_party_id, third_party_user_id)"                                                       \
  "  SELECT d.app_id, d.tenant_id, d.recipe_user_id, i.tp, i.tp_user"                             \
  "  FROM decided d CROSS JOIN infos i WHERE $4::varchar = 'thirdparty' AND i.type = 'email'),"   \
  " old_passwordless AS (INSERT INTO {passwordless_user_to_tenant} (app_id, tenant_id, user_id,"  \
  "   email, phone_number)"                                                                       \
  "  SELECT d.app_id, d.tenant_id, d.recipe_user_id,"                                             \
  "   max(i.value) FILTER (WHERE i.type = 'email'), max(i.value) FILTER (WHERE i.type = 'phone')" \
  "  FROM decided d CROSS JOIN infos i WHERE $4::varchar = 'passwordless'"                        \
  "  GROUP BY d.app_id, d.tenant_id, d.recipe_user_id),"                                          \
  " old_passkeys AS (INSERT INTO {webauthn_user_to_tenant} (app_id, tenant_id, user_id, email)"   \
  "  SELECT d.app_id, d.tenant_id, d.recipe_user_id, i.value FROM decided d CROSS JOIN infos i"   \
  "  WHERE $4::varchar = 'webauthn' AND i.type = 'email')"

// $1 to $10. `rows` are the identity's.
db::Params RegisterParams(const Where& scope, const NewIdentity& user,
                          const std::vector<IdentityRow>& rows);

}  // namespace gatehouse::users
