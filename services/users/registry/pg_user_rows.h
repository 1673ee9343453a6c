#pragma once

// The SQL that reads whole users, and the reading of its rows. A statement is
// WITH <a CTE `target(id)` of internal primary-user ids> followed by GATEHOUSE_USER_ROWS_SQL; $1 is
// the app. It returns a row for each account info of a login method, with the tenants in which it
// has it, and at least one for each target: without a login method if it has none, as the id of a group whose own
// login method was deleted.

#include <limits>
#include <vector>

#include "gatehouse/users/v1/user.pb.h"

namespace gatehouse::db {
class Result;
}

// A third party's account info is also in the row of its email. In a tenant a login method has all
// of its account infos; those of one that is in no tenant come as JSON.
//
// Everything is looked up for each user by itself (OFFSET 0 keeps it so), whatever the statistics
// say of the tables: a join may read all of the app's rows. Only a login method's tenants are
// gathered by the statement, since there may be thousands; the rest is merged by ReadUsers.
//
// Indexes: app_id_to_user_id_primary_user_id_index, idx_recipe_user_account_infos_app_recipe_user,
// idx_recipe_user_tenants_recipe_user_id, userid_mapping_supertokens_user_id_key and the primary
// keys of emailverification_verified_emails, whose ids are external where mapped, and of
// gatehouse_passkeys.
#define GATEHOUSE_VERIFIED_SQL(EMAIL)                                                             \
  "(SELECT 1 FROM {emailverification_verified_emails} v WHERE v.app_id = $1::varchar"             \
  "  AND v.user_id = COALESCE(u.external_id, u.user_id::varchar) AND v.email = " EMAIL            \
  "  LIMIT 1)"
#define GATEHOUSE_USER_ROWS_WITH_SQL(COLUMNS)                                                     \
  " SELECT target.id, u.is_linked_or_is_a_primary_user, u.user_id, u.recipe_id, u.time_joined,"   \
  " u.external_id, CASE WHEN target.id <> u.user_id THEN"                                         \
  "  (SELECT l.external_user_id FROM {userid_mapping} l WHERE l.app_id = $1::varchar"             \
  "    AND l.supertokens_user_id = target.id) END,"                                               \
  " t.tenant_ids, t.account_info_type, t.account_info_value, t.third_party_id,"                    \
  " t.third_party_user_id, " GATEHOUSE_VERIFIED_SQL("t.account_info_value") " IS NOT NULL,"       \
  " CASE WHEN u.recipe_id = 'webauthn' THEN"                                                      \
  "  (SELECT string_agg(k.credential_id, ',' ORDER BY k.rp_id, k.credential_id)"                  \
  "   FROM {gatehouse_passkeys} k WHERE k.app_id = $1::varchar AND k.user_id = u.user_id) END,"   \
  " CASE WHEN t.tenant_ids IS NULL AND u.user_id IS NOT NULL THEN"                                 \
  "  (SELECT json_agg(json_build_array(i.account_info_type, i.account_info_value,"                \
  "     i.third_party_id, i.third_party_user_id,"                                                 \
  "     " GATEHOUSE_VERIFIED_SQL("i.account_info_value") " IS NOT NULL))"                         \
  "   FROM {recipe_user_account_infos} i WHERE i.app_id = $1::varchar"                            \
  "    AND i.recipe_user_id = u.user_id AND i.account_info_type <> 'tparty') END" COLUMNS         \
  " FROM target"                                                                                  \
  " LEFT JOIN LATERAL (SELECT a.user_id, a.is_linked_or_is_a_primary_user, a.recipe_id,"          \
  "   a.time_joined, (SELECT m.external_user_id FROM {userid_mapping} m"                          \
  "    WHERE m.app_id = $1::varchar AND m.supertokens_user_id = a.user_id) AS external_id"        \
  "   FROM {app_id_to_user_id} a WHERE a.app_id = $1::varchar"                                    \
  "    AND a.primary_or_recipe_user_id = target.id OFFSET 0) u ON TRUE"                           \
  " LEFT JOIN LATERAL (SELECT string_agg(r.tenant_id, ',') AS tenant_ids, r.account_info_type,"   \
  "   r.account_info_value, r.third_party_id, r.third_party_user_id FROM {recipe_user_tenants} r" \
  "   WHERE r.app_id = $1::varchar AND r.recipe_user_id = u.user_id"                              \
  "    AND r.account_info_type <> 'tparty' GROUP BY 2, 3, 4, 5 OFFSET 0) t ON TRUE"
#define GATEHOUSE_USER_ROWS_SQL GATEHOUSE_USER_ROWS_WITH_SQL("")

namespace gatehouse::users {

// Of GATEHOUSE_USER_ROWS_WITH_SQL.
constexpr int kTargetColumn = 0;
constexpr int kFirstOtherColumn = 15;

// The users of a result's first `rows` rows, in the order of their first ones; each one's login
// methods by time joined.
std::vector<v1::User> ReadUsers(const db::Result& result,
                                int rows = std::numeric_limits<int>::max());

}  // namespace gatehouse::users
