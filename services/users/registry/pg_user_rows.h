#pragma once

// The SQL that reads whole users, and the reading of its rows. A statement is
// WITH <a CTE `target(id)` of internal primary-user ids> followed by kUserRowsSql; $1 is the app.
// It returns a row per login method. Users that only exist as the id of a group (their own login
// method was deleted) have none.

#include <vector>

#include "gatehouse/users/v1/user.pb.h"

namespace gatehouse::db {
class Result;
}

// Indexes: app_id_to_user_id_primary_user_id_index, idx_recipe_user_account_infos_app_recipe_user,
// idx_recipe_user_tenants_recipe_user_id, userid_mapping_supertokens_user_id_key and the primary
// keys of emailverification_verified_emails, whose ids are external where mapped, and of
// gatehouse_passkeys.
#define GATEHOUSE_USER_ROWS_SQL                                                                   \
  " SELECT u.primary_or_recipe_user_id, u.is_linked_or_is_a_primary_user, u.user_id,"             \
  " u.recipe_id, u.time_joined, i.email, i.phone, i.third_party_id, i.third_party_user_id,"       \
  " (SELECT string_agg(DISTINCT t.tenant_id, ',') FROM {recipe_user_tenants} t"                   \
  "   WHERE t.app_id = u.app_id AND t.recipe_user_id = u.user_id),"                               \
  " own.external_user_id, CASE WHEN u.primary_or_recipe_user_id = u.user_id"                      \
  "  THEN own.external_user_id ELSE (SELECT l.external_user_id FROM {userid_mapping} l"           \
  "   WHERE l.app_id = u.app_id AND l.supertokens_user_id = u.primary_or_recipe_user_id) END,"    \
  " (SELECT 1 FROM {emailverification_verified_emails} v WHERE v.app_id = u.app_id AND"           \
  "   v.user_id = COALESCE(own.external_user_id, u.user_id::varchar) AND v.email = i.email"       \
  "   LIMIT 1) IS NOT NULL,"                                                                      \
  " CASE WHEN u.recipe_id = 'webauthn' THEN"                                                      \
  "  (SELECT string_agg(k.credential_id, ',' ORDER BY k.rp_id, k.credential_id)"                  \
  "   FROM {gatehouse_passkeys} k WHERE k.app_id = u.app_id AND k.user_id = u.user_id) END"       \
  " FROM target"                                                                                  \
  " JOIN {app_id_to_user_id} u ON u.app_id = $1::varchar"                                         \
  "  AND u.primary_or_recipe_user_id = target.id"                                                 \
  " JOIN LATERAL (SELECT count(*) AS infos,"                                                      \
  "   max(a.account_info_value) FILTER (WHERE a.account_info_type = 'email') AS email,"           \
  "   max(a.account_info_value) FILTER (WHERE a.account_info_type = 'phone') AS phone,"           \
  "   max(a.third_party_id) AS third_party_id,"                                                   \
  "   max(a.third_party_user_id) AS third_party_user_id"                                          \
  "   FROM {recipe_user_account_infos} a"                                                         \
  "   WHERE a.app_id = u.app_id AND a.recipe_user_id = u.user_id) i ON i.infos > 0"               \
  " LEFT JOIN LATERAL (SELECT m.external_user_id FROM {userid_mapping} m"                         \
  "   WHERE m.app_id = u.app_id AND m.supertokens_user_id = u.user_id LIMIT 1) own ON TRUE"       \
  " ORDER BY u.primary_or_recipe_user_id, u.time_joined, u.user_id"

namespace gatehouse::users {

// The users of a result, in no particular order; each one's login methods by time joined.
std::vector<v1::User> ReadUsers(const db::Result& result);

}  // namespace gatehouse::users
