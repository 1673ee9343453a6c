// Adding users to tenants and removing them: the rest of PgLinkingStore.

#include <map>

#include "libs/base/status.h"
#include "libs/db/database.h"
#include "services/users/account_info.h"
#include "services/users/linking/pg_linking_store.h"
#include "services/users/linking/pg_outcome.h"
#include "services/users/linking/pg_reservations.h"
#include "services/users/registry/pg_both_generations.h"
#include "services/users/registry/pg_user_lock.h"

namespace gatehouse::users {
namespace {

// In all statements: $1 app, $2 tenant, $3 user. idx_recipe_user_tenants_recipe_user_id.
constexpr db::Statement kIsInTenant = {
    "tenant_membership_exists",
    "SELECT 1 FROM {recipe_user_tenants}"
    " WHERE app_id = $1 AND tenant_id = $2 AND recipe_user_id = $3 LIMIT 1"};

// In the order in which all code takes keys of recipe_user_tenants (docs/adr, decision 13). Gives
// how many there are and how many were free; where not all were, the transaction does not commit,
// and the old tables get nothing. idx_recipe_user_account_infos_app_recipe_user.
constexpr RegistryWrite kAdd = RegistryWrite::ThenOldTables(
    {"tenant_membership_add",
     "WITH infos AS MATERIALIZED (SELECT recipe_id, account_info_type, account_info_value,"
     "   third_party_id, third_party_user_id FROM {recipe_user_account_infos}"
     "  WHERE app_id = $1::varchar AND recipe_user_id = $3::bpchar),"
     " added AS (INSERT INTO {recipe_user_tenants} (app_id, recipe_user_id, tenant_id, recipe_id,"
     "   account_info_type, account_info_value, third_party_id, third_party_user_id)"
     "  SELECT $1::varchar, $3::bpchar, $2::varchar, recipe_id, account_info_type,"
     "   account_info_value, third_party_id, third_party_user_id FROM infos"
     "  ORDER BY account_info_type <> 'tparty', account_info_type, account_info_value"
     "  ON CONFLICT DO NOTHING RETURNING 1)"
     " SELECT (SELECT count(*) FROM infos), (SELECT count(*) FROM added)"},
    {"tenant_membership_add_legacy",
     "WITH mine AS MATERIALIZED (SELECT recipe_id, account_info_type AS type,"
     "   account_info_value AS value, third_party_id, third_party_user_id"
     "  FROM {recipe_user_tenants} WHERE app_id = $1::varchar AND tenant_id = $2::varchar"
     "   AND recipe_user_id = $3::bpchar AND NOT EXISTS ("
     "    SELECT 1 FROM {recipe_user_account_infos} i WHERE i.app_id = $1::varchar"
     "     AND i.recipe_user_id = $3::bpchar AND NOT EXISTS (SELECT 1 FROM {recipe_user_tenants} t"
     "      WHERE t.app_id = i.app_id AND t.tenant_id = $2::varchar"
     "       AND t.recipe_user_id = i.recipe_user_id"
     "       AND t.account_info_type = i.account_info_type))),"
     " listed AS (INSERT INTO {all_auth_recipe_users} (app_id, tenant_id, user_id,"
     "   primary_or_recipe_user_id, is_linked_or_is_a_primary_user, recipe_id, time_joined,"
     "   primary_or_recipe_user_time_joined)"
     "  SELECT u.app_id, $2::varchar, u.user_id, u.primary_or_recipe_user_id,"
     "   u.is_linked_or_is_a_primary_user, u.recipe_id, u.time_joined,"
     "   u.primary_or_recipe_user_time_joined FROM {app_id_to_user_id} u"
     "  WHERE u.app_id = $1::varchar AND u.user_id = $3::bpchar AND EXISTS (SELECT 1 FROM mine)"
     "  ON CONFLICT DO NOTHING),"
     " emails AS (INSERT INTO {emailpassword_user_to_tenant} (app_id, tenant_id, user_id, email)"
     "  SELECT $1::varchar, $2::varchar, $3::bpchar, value FROM mine"
     "  WHERE recipe_id = 'emailpassword' AND type = 'email'"
     "  ON CONFLICT (app_id, tenant_id, user_id) DO NOTHING),"
     " passkeys AS (INSERT INTO {webauthn_user_to_tenant} (app_id, tenant_id, user_id, email)"
     "  SELECT $1::varchar, $2::varchar, $3::bpchar, value FROM mine"
     "  WHERE recipe_id = 'webauthn' AND type = 'email'"
     "  ON CONFLICT (app_id, tenant_id, user_id) DO NOTHING),"
     " identities AS (INSERT INTO {thirdparty_user_to_tenant} (app_id, tenant_id, user_id,"
     "   third_party_id, third_party_user_id)"
     "  SELECT $1::varchar, $2::varchar, $3::bpchar, third_party_id, third_party_user_id FROM mine"
     "  WHERE recipe_id = 'thirdparty' AND type = 'email'"
     "  ON CONFLICT (app_id, tenant_id, user_id) DO NOTHING)"
     " INSERT INTO {passwordless_user_to_tenant} (app_id, tenant_id, user_id, email, phone_number)"
     "  SELECT $1::varchar, $2::varchar, $3::bpchar, max(value) FILTER (WHERE type = 'email'),"
     "   max(value) FILTER (WHERE type = 'phone') FROM mine"
     "  WHERE recipe_id = 'passwordless' HAVING count(*) > 0"
     "  ON CONFLICT (app_id, tenant_id, user_id) DO NOTHING"});

// Which of the user's infos another login method of the recipe has in the tenant. A third-party
// identity counts before others. The primary key of recipe_user_tenants.
constexpr db::Statement kDuplicate = {
    "tenant_membership_duplicate",
    "SELECT t.account_info_type FROM {recipe_user_account_infos} i JOIN {recipe_user_tenants} t"
    "  ON t.app_id = i.app_id AND t.tenant_id = $2::varchar AND t.recipe_id = i.recipe_id"
    "  AND t.account_info_type = i.account_info_type AND t.third_party_id = i.third_party_id"
    "  AND t.third_party_user_id = i.third_party_user_id"
    "  AND t.account_info_value = i.account_info_value"
    " WHERE i.app_id = $1::varchar AND i.recipe_user_id = $3::bpchar"
    "  AND t.recipe_user_id <> $3::bpchar"
    " ORDER BY t.account_info_type <> 'tparty', t.account_info_type LIMIT 1"};

// The account info of the user's group that another primary user has in the tenant, and whether a
// login method of the same recipe has it there: then an ordinary duplicate is reported. Emails are
// reported before phone numbers before third parties.
// idx_recipe_user_account_infos_app_primary_user, the primary key of primary_user_tenants,
// idx_recipe_user_tenants_recipe_user_id. $3 primary user.
constexpr db::Statement kConflict = {
    "tenant_membership_conflict",
    "SELECT p.primary_user_id, p.account_info_type, EXISTS ("
    "  SELECT 1 FROM {recipe_user_account_infos} o JOIN {recipe_user_tenants} t"
    "   ON t.app_id = o.app_id AND t.recipe_user_id = o.recipe_user_id"
    "   AND t.tenant_id = $2::varchar AND t.account_info_type = o.account_info_type"
    "   AND t.account_info_value = o.account_info_value"
    "  WHERE o.app_id = $1::varchar AND o.primary_user_id = p.primary_user_id"
    "   AND o.account_info_type = p.account_info_type"
    "   AND o.account_info_value = p.account_info_value AND o.recipe_id = i.recipe_id)"
    " FROM {recipe_user_account_infos} i JOIN {primary_user_tenants} p ON p.app_id = $1::varchar"
    "  AND p.tenant_id = $2::varchar AND p.account_info_type = i.account_info_type"
    "  AND p.account_info_value = i.account_info_value"
    " WHERE i.app_id = $1::varchar AND i.primary_user_id = $3::bpchar"
    "  AND p.primary_user_id <> $3::bpchar"
    " ORDER BY p.account_info_type, 3 DESC, p.account_info_value LIMIT 1"};

// Of the old tables, the recipes' hang on all_auth_recipe_users by foreign keys.
constexpr RegistryWrite kRemove = RegistryWrite::ThenOldTables(
    {"tenant_membership_remove",
     "WITH held AS MATERIALIZED (SELECT t.token FROM {emailverification_tokens} t"
     "  WHERE t.app_id = $1::varchar AND t.tenant_id = $2::varchar AND t.user_id = COALESCE("
     "   (SELECT m.external_user_id FROM {userid_mapping} m WHERE m.app_id = $1::varchar"
     "     AND m.supertokens_user_id = $3::bpchar), $3::bpchar::varchar)"
     "  ORDER BY t.token FOR UPDATE),"
     " tokens AS (DELETE FROM {emailverification_tokens} t USING held"
     "  WHERE t.token = held.token RETURNING 1),"
     " left_tenant AS (DELETE FROM {recipe_user_tenants} WHERE app_id = $1::varchar"
     "  AND tenant_id = $2::varchar AND recipe_user_id = $3::bpchar RETURNING 1)"
     " SELECT EXISTS (SELECT 1 FROM tokens) OR EXISTS (SELECT 1 FROM left_tenant)"},
    {"tenant_membership_remove_legacy",
     "DELETE FROM {all_auth_recipe_users} WHERE app_id = $1 AND tenant_id = $2 AND user_id = $3"});

// Of kConflict's rows.
TenantOutcome ConflictInTenant(const db::Row& row) {
  if (row.Bool(2)) return {TenantResult::kDuplicate, std::string(row.Text(1)), {}};
  return {TenantResult::kAccountInfoTaken, std::string(row.Text(1)), std::string(row.Trimmed(0))};
}

}  // namespace

absl::StatusOr<TenantOutcome> PgLinkingStore::AddToTenant(const Where& scope,
                                                          std::string_view user_id) {
  ASSIGN_OR_RETURN(db::Database * db, databases_.Of(*scope.tenant));
  const std::string id(user_id);
  const db::Params params = {scope.app_id(), scope.tenant_id(), id};
  return TransactFor<TenantOutcome>(
      *db, scope, [&](db::Transaction& transaction) -> absl::StatusOr<Ended<TenantOutcome>> {
        ASSIGN_OR_RETURN(auto locked, LockUsers(transaction, scope, {id}));
        auto user = locked.find(id);
        if (user == locked.end()) {
          return RollBack(TenantOutcome{TenantResult::kUnknownUser, {}, {}});
        }
        ASSIGN_OR_RETURN(db::Result there, transaction.Execute(kIsInTenant, params));
        if (!there.empty()) return RollBack(TenantOutcome{TenantResult::kAlready, {}, {}});
        if (user->second.primary_id.has_value()) {
          ASSIGN_OR_RETURN(const bool reserved,
                           ReserveInTenant(transaction, scope.app_id(), scope.tenant_id(),
                                           *user->second.primary_id));
          if (!reserved) {
            ASSIGN_OR_RETURN(
                db::Result found,
                transaction.Execute(kConflict, {scope.app_id(), scope.tenant_id(),
                                                *user->second.primary_id}));
            if (found.empty()) return db::RetryTransaction();  // it was, a moment ago
            return RollBack(ConflictInTenant(found.front()));
          }
        }
        ASSIGN_OR_RETURN(db::Result added, kAdd.Execute(transaction, scope, params));
        // The id of a group whose own login method is gone: it can't be in any tenant.
        if (added.front().Int64(0) == 0) {
          return RollBack(TenantOutcome{TenantResult::kUnknownUser, {}, {}});
        }
        if (added.front().Int64(0) != added.front().Int64(1)) {
          ASSIGN_OR_RETURN(db::Result duplicate, transaction.Execute(kDuplicate, params));
          if (duplicate.empty()) return db::RetryTransaction();  // it was, a moment ago
          return RollBack(
              TenantOutcome{TenantResult::kDuplicate, std::string(duplicate.front().Text(0)), {}});
        }
        return Commit(TenantOutcome{TenantResult::kAdded, {}, {}});
      });
}

absl::StatusOr<LeaveTenantResult> PgLinkingStore::RemoveFromTenant(const Where& scope,
                                                                   std::string_view user_id) {
  ASSIGN_OR_RETURN(db::Database * db, databases_.Of(*scope.tenant));
  const std::string id(user_id);
  const db::Params params = {scope.app_id(), scope.tenant_id(), id};
  return TransactFor<LeaveTenantResult>(
      *db, scope, [&](db::Transaction& transaction) -> absl::StatusOr<Ended<LeaveTenantResult>> {
        ASSIGN_OR_RETURN(auto locked, LockUsers(transaction, scope, {id}));
        auto user = locked.find(id);
        if (user == locked.end()) return RollBack(LeaveTenantResult::kUnknownUser);
        ASSIGN_OR_RETURN(db::Result removed, kRemove.Execute(transaction, scope, params));
        if (user->second.primary_id.has_value()) {
          RETURN_IF_ERROR(ReleaseTenant(transaction, scope.app_id(), scope.tenant_id(),
                                        *user->second.primary_id));
        }
        return Commit(removed.front().Bool(0) ? LeaveTenantResult::kRemoved
                                              : LeaveTenantResult::kWasNotThere);
      });
}

}  // namespace gatehouse::users
