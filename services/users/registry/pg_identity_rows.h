#pragma once

#include <vector>

#include "libs/db/statement.h"
#include "services/users/registry/identity.h"

namespace gatehouse::users {

// Signs an identity up. $1 app, $2 tenant, $3 user id, $4 recipe, $5 time joined, $6 whether the
// email is verified; $7 to $10 an account info a place: kind, value, third party, user there. The
// first is the key, by which the primary key of recipe_user_tenants decides between sign-ups at
// once; the rest follows from the row that won. `decided` has a row if it was this one's.
#define GATEHOUSE_REGISTER_SQL                                                                   \
  "WITH infos AS MATERIALIZED (SELECT i.type, i.value, i.tp, i.tp_user, i.place"                 \
  "  FROM unnest($7::varchar[], $8::text[], $9::varchar[], $10::varchar[])"                      \
  "   WITH ORDINALITY AS i(type, value, tp, tp_user, place)),"                                   \
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
  "  WHERE i.type = 'email' AND $6::boolean ON CONFLICT DO NOTHING)"

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
