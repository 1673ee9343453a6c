#include "services/users/linking/pg_reservations.h"

#include "libs/base/status.h"
#include "libs/db/database.h"
#include "services/users/account_info.h"
#include "services/users/registry/pg_both_generations.h"
#include "services/users/registry/pg_reset_tokens.h"

namespace gatehouse::users {
namespace {

// Indexes in all statements: idx_recipe_user_account_infos_app_primary_user,
// idx_recipe_user_account_infos_app_recipe_user, idx_recipe_user_tenants_recipe_user_id,
// idx_primary_user_tenants_primary.

// The order in which all code takes keys of primary_user_tenants (docs/adr, decision 13).
#define GATEHOUSE_KEY_ORDER_SQL \
  " ORDER BY account_info_type <> 'tparty', account_info_type, account_info_value, tenant_id"

// Takes what `wanted` lists and the primary user $3 does not hold yet; returns how much of it was
// wanted and how much was free. Rows of others are waited for while they are inserted or deleted,
// never locked.
#define GATEHOUSE_TAKE_SQL                                                                        \
  " missing AS MATERIALIZED (SELECT tenant_id, account_info_type, account_info_value FROM wanted" \
  "  WHERE NOT EXISTS (SELECT 1 FROM {primary_user_tenants} p WHERE p.app_id = $1::varchar"       \
  "   AND p.tenant_id = wanted.tenant_id AND p.account_info_type = wanted.account_info_type"      \
  "   AND p.account_info_value = wanted.account_info_value AND p.primary_user_id = $3::bpchar))," \
  " taken AS (INSERT INTO {primary_user_tenants} (app_id, tenant_id, account_info_type,"          \
  "   account_info_value, primary_user_id)"                                                       \
  "  SELECT $1::varchar, tenant_id, account_info_type, account_info_value, $3::bpchar"            \
  "  FROM missing" GATEHOUSE_KEY_ORDER_SQL                                                        \
  " ON CONFLICT DO NOTHING RETURNING 1)"                                                          \
  " SELECT (SELECT count(*) FROM missing), (SELECT count(*) FROM taken)"

// $1 app, $2 user, $3 primary user.
constexpr db::Statement kReserveForGroup = {
    "reservations_of_group",
    "WITH members AS (SELECT DISTINCT recipe_user_id AS id FROM {recipe_user_account_infos}"
    "   WHERE app_id = $1::varchar AND primary_user_id = $3::bpchar"
    "  UNION SELECT $2::bpchar),"
    " tenants AS (SELECT DISTINCT t.tenant_id FROM members m JOIN {recipe_user_tenants} t"
    "   ON t.app_id = $1::varchar AND t.recipe_user_id = m.id),"
    " infos AS (SELECT DISTINCT i.account_info_type, i.account_info_value FROM members m"
    "   JOIN {recipe_user_account_infos} i ON i.app_id = $1::varchar AND i.recipe_user_id = m.id),"
    " wanted AS (SELECT t.tenant_id, i.account_info_type, i.account_info_value"
    "  FROM tenants t CROSS JOIN infos i)," GATEHOUSE_TAKE_SQL};

// $1 app, $2 tenant, $3 primary user.
constexpr db::Statement kReserveInTenant = {
    "reservations_in_tenant",
    "WITH wanted AS (SELECT DISTINCT $2::varchar AS tenant_id, account_info_type,"
    "   account_info_value FROM {recipe_user_account_infos}"
    "  WHERE app_id = $1::varchar AND primary_user_id = $3::bpchar)," GATEHOUSE_TAKE_SQL};

// $1 app, $2 account info's type, $3 primary user, $4 its value. In the group's tenants, which its
// reservations show.
constexpr db::Statement kReserveInfo = {
    "reservations_of_info",
    "WITH wanted AS (SELECT DISTINCT tenant_id, $2::varchar AS account_info_type,"
    "   $4::text AS account_info_value FROM {primary_user_tenants}"
    "  WHERE app_id = $1::varchar AND primary_user_id = $3::bpchar)," GATEHOUSE_TAKE_SQL};

// The same parameters: whether another primary user holds it in one of those tenants.
constexpr db::Statement kInfoIsTaken = {
    "reservations_info_is_taken",
    "SELECT EXISTS (SELECT 1 FROM {primary_user_tenants} held JOIN {primary_user_tenants} p"
    "  ON p.app_id = held.app_id AND p.tenant_id = held.tenant_id"
    "  AND p.account_info_type = $2::varchar AND p.account_info_value = $4::text"
    "  AND p.primary_user_id <> $3::bpchar"
    " WHERE held.app_id = $1::varchar AND held.primary_user_id = $3::bpchar)"};

// $1 app, $2 user, $3 primary user.
constexpr RegistryWrite kReleaseMember = RegistryWrite::NothingInOldTables(
    {"reservations_release_member",
     "WITH others AS (SELECT recipe_user_id AS id, account_info_type AS type,"
     "   account_info_value AS value FROM {recipe_user_account_infos}"
     "  WHERE app_id = $1::varchar AND primary_user_id = $3::bpchar"
     "   AND recipe_user_id <> $2::bpchar),"
     " released AS (DELETE FROM {primary_user_tenants} r"
     "  WHERE r.app_id = $1::varchar AND r.primary_user_id = $3::bpchar"
     "   AND (NOT EXISTS (SELECT 1 FROM others o"
     "     WHERE o.type = r.account_info_type AND o.value = r.account_info_value)"
     "    OR NOT EXISTS (SELECT 1 FROM others o JOIN {recipe_user_tenants} t"
     "     ON t.app_id = $1::varchar AND t.recipe_user_id = o.id"
     "     WHERE t.tenant_id = r.tenant_id)))"
     " UPDATE {recipe_user_account_infos} SET primary_user_id = NULL"
     "  WHERE app_id = $1::varchar AND recipe_user_id = $2::bpchar"});

// $1 app, $2 tenant, $3 primary user.
constexpr db::Statement kReleaseTenant = {
    "reservations_release_tenant",
    "DELETE FROM {primary_user_tenants} r WHERE r.app_id = $1::varchar"
    " AND r.tenant_id = $2::varchar AND r.primary_user_id = $3::bpchar"
    " AND NOT EXISTS (SELECT 1 FROM {recipe_user_account_infos} i"
    "  JOIN {recipe_user_tenants} t ON t.app_id = i.app_id AND t.recipe_user_id = i.recipe_user_id"
    "  WHERE i.app_id = $1::varchar AND i.primary_user_id = $3::bpchar"
    "   AND t.tenant_id = $2::varchar)"};

bool TookAll(const db::Result& taken) { return taken.front().Int64(0) == taken.front().Int64(1); }

}  // namespace

absl::StatusOr<bool> ReserveForGroup(db::Transaction& transaction, std::string_view app_id,
                                     std::string_view user_id, std::string_view primary_id) {
  ASSIGN_OR_RETURN(const db::Result taken,
                   transaction.Execute(kReserveForGroup, {app_id, user_id, primary_id}));
  return TookAll(taken);
}

absl::StatusOr<bool> ReserveInTenant(db::Transaction& transaction, std::string_view app_id,
                                     std::string_view tenant_id, std::string_view primary_id) {
  ASSIGN_OR_RETURN(const db::Result taken,
                   transaction.Execute(kReserveInTenant, {app_id, tenant_id, primary_id}));
  return TookAll(taken);
}

absl::StatusOr<bool> ReserveInfo(db::Transaction& transaction, std::string_view app_id,
                                 const AccountInfo& info, std::string_view primary_id) {
  const db::Params params = {app_id, info.type, primary_id, info.value};
  ASSIGN_OR_RETURN(const db::Result taken, transaction.Execute(kReserveInfo, params));
  if (TookAll(taken)) return true;
  ASSIGN_OR_RETURN(const db::Result conflict, transaction.Execute(kInfoIsTaken, params));
  if (!conflict.front().Bool(0)) return db::RetryTransaction();
  return false;
}

absl::Status ReleaseMember(db::Transaction& transaction, const Where& scope,
                           std::string_view user_id, std::string_view primary_id) {
  RETURN_IF_ERROR(EndResetTokensOfGroup(transaction, scope.app_id(), user_id, primary_id));
  return kReleaseMember.Execute(transaction, scope, {scope.app_id(), user_id, primary_id}).status();
}

absl::Status ReleaseTenant(db::Transaction& transaction, std::string_view app_id,
                           std::string_view tenant_id, std::string_view primary_id) {
  return transaction.Execute(kReleaseTenant, {app_id, tenant_id, primary_id}).status();
}

}  // namespace gatehouse::users
