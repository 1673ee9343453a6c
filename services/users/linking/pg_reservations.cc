#include "services/users/linking/pg_reservations.h"

#include "libs/base/status.h"
#include "libs/db/database.h"
#include "services/users/account_info.h"
#include "services/users/registry/pg_reset_tokens.h"

namespace gatehouse::users {
namespace {

// Indexes everywhere: idx_recipe_user_account_infos_app_primary_user,
// idx_recipe_user_account_infos_app_recipe_user, idx_recipe_user_tenants_recipe_user_id,
// idx_primary_user_tenants_primary.

// $1 app, $2 user, $3 primary user. Rows are inserted in the order of the key, so that two
// transactions never wait for each other crosswise.
constexpr db::Statement kReserveForGroup = {
    "reservations_of_group",
    "WITH members AS (SELECT DISTINCT recipe_user_id AS id FROM {recipe_user_account_infos}"
    "   WHERE app_id = $1::varchar AND primary_user_id = $3::bpchar"
    "  UNION SELECT $2::bpchar),"
    " tenants AS (SELECT DISTINCT t.tenant_id FROM members m JOIN {recipe_user_tenants} t"
    "   ON t.app_id = $1::varchar AND t.recipe_user_id = m.id),"
    " infos AS (SELECT DISTINCT i.account_info_type, i.account_info_value FROM members m"
    "   JOIN {recipe_user_account_infos} i ON i.app_id = $1::varchar AND i.recipe_user_id = m.id)"
    " INSERT INTO {primary_user_tenants} (app_id, tenant_id, account_info_type,"
    "   account_info_value, primary_user_id)"
    " SELECT $1::varchar, t.tenant_id, i.account_info_type, i.account_info_value, $3::bpchar"
    " FROM tenants t CROSS JOIN infos i ORDER BY 2, 3, 4"
    " ON CONFLICT (app_id, tenant_id, account_info_type, account_info_value)"
    "  DO UPDATE SET account_info_type = EXCLUDED.account_info_type"
    " RETURNING primary_user_id, account_info_type"};

// $1 app, $2 tenant, $3 primary user.
constexpr db::Statement kReserveInTenant = {
    "reservations_in_tenant",
    "INSERT INTO {primary_user_tenants} (app_id, tenant_id, account_info_type,"
    "   account_info_value, primary_user_id)"
    " SELECT DISTINCT app_id, $2::varchar, account_info_type, account_info_value, primary_user_id"
    " FROM {recipe_user_account_infos}"
    " WHERE app_id = $1::varchar AND primary_user_id = $3::bpchar ORDER BY 2, 3, 4"
    " ON CONFLICT (app_id, tenant_id, account_info_type, account_info_value)"
    "  DO UPDATE SET account_info_type = EXCLUDED.account_info_type"
    " RETURNING primary_user_id, account_info_type"};

// $1 app, $2 user, $3 primary user.
constexpr db::Statement kReleaseMember = {
    "reservations_release_member",
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
    "  WHERE app_id = $1::varchar AND recipe_user_id = $2::bpchar"};

// $1 app, $2 tenant, $3 primary user.
constexpr db::Statement kReleaseTenant = {
    "reservations_release_tenant",
    "DELETE FROM {primary_user_tenants} r WHERE r.app_id = $1::varchar"
    " AND r.tenant_id = $2::varchar AND r.primary_user_id = $3::bpchar"
    " AND NOT EXISTS (SELECT 1 FROM {recipe_user_account_infos} i"
    "  JOIN {recipe_user_tenants} t ON t.app_id = i.app_id AND t.recipe_user_id = i.recipe_user_id"
    "  WHERE i.app_id = $1::varchar AND i.primary_user_id = $3::bpchar"
    "   AND t.tenant_id = $2::varchar)"};

}  // namespace

std::optional<InfoConflict> FindConflict(const db::Result& result, std::string_view own_id) {
  std::optional<InfoConflict> conflict;
  for (const db::Row row : result) {
    if (row.IsNull(0) || row.Trimmed(0) == own_id) continue;
    if (!conflict.has_value() || row.Text(1) == kThirdPartyInfo) {
      conflict = {std::string(row.Trimmed(0)), std::string(row.Text(1))};
    }
    if (conflict->info_type == kThirdPartyInfo) break;
  }
  return conflict;
}

absl::StatusOr<std::optional<InfoConflict>> ReserveForGroup(db::Transaction& transaction,
                                                            std::string_view app_id,
                                                            std::string_view user_id,
                                                            std::string_view primary_id) {
  ASSIGN_OR_RETURN(db::Result held,
                   transaction.Execute(kReserveForGroup, {app_id, user_id, primary_id}));
  return FindConflict(held, primary_id);
}

absl::StatusOr<std::optional<InfoConflict>> ReserveInTenant(db::Transaction& transaction,
                                                            std::string_view app_id,
                                                            std::string_view tenant_id,
                                                            std::string_view primary_id) {
  ASSIGN_OR_RETURN(db::Result held,
                   transaction.Execute(kReserveInTenant, {app_id, tenant_id, primary_id}));
  return FindConflict(held, primary_id);
}

absl::Status ReleaseMember(db::Transaction& transaction, std::string_view app_id,
                           std::string_view user_id, std::string_view primary_id) {
  RETURN_IF_ERROR(EndResetTokensOfGroup(transaction, app_id, user_id, primary_id));
  return transaction.Execute(kReleaseMember, {app_id, user_id, primary_id}).status();
}

absl::Status ReleaseTenant(db::Transaction& transaction, std::string_view app_id,
                           std::string_view tenant_id, std::string_view primary_id) {
  return transaction.Execute(kReleaseTenant, {app_id, tenant_id, primary_id}).status();
}

}  // namespace gatehouse::users
