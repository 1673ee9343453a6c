#include "services/users/registry/pg_email_change.h"

#include "libs/base/status.h"
#include "libs/db/database.h"
#include "services/users/linking/pg_reservations.h"
#include "services/users/registry/pg_both_generations.h"
#include "services/users/registry/pg_reset_tokens.h"
#include "services/users/registry/pg_user_lock.h"

namespace gatehouse::users {
namespace {

// Everywhere: $1 app, $2 user id, $3 new email, $4 primary user's id.
// idx_recipe_user_tenants_recipe_user_id, idx_recipe_user_account_infos_app_recipe_user.
constexpr db::Statement kDiffers = {
    "email_change_differs",
    "SELECT 1 FROM {recipe_user_account_infos} WHERE app_id = $1 AND recipe_user_id = $2"
    "  AND account_info_type = 'email' AND account_info_value <> $3"
    " UNION ALL SELECT 1 FROM {recipe_user_tenants} WHERE app_id = $1 AND recipe_user_id = $2"
    "  AND account_info_type = 'email' AND account_info_value <> $3 LIMIT 1"};

// The old email stays reserved where another member of the group has it too.
// idx_primary_user_tenants_primary; idx_recipe_user_account_infos_app_primary_user.
constexpr db::Statement kReleaseReservation = {
    "email_change_release",
    "DELETE FROM {primary_user_tenants} r USING {recipe_user_account_infos} mine"
    " WHERE mine.app_id = $1::varchar AND mine.recipe_user_id = $2::bpchar"
    "  AND mine.account_info_type = 'email' AND mine.account_info_value <> $3::text"
    "  AND r.app_id = mine.app_id AND r.primary_user_id = $4::bpchar"
    "  AND r.account_info_type = 'email' AND r.account_info_value = mine.account_info_value"
    "  AND NOT EXISTS (SELECT 1 FROM {recipe_user_account_infos} other"
    "   WHERE other.app_id = mine.app_id AND other.primary_user_id = $4::bpchar"
    "    AND other.recipe_user_id <> mine.recipe_user_id AND other.account_info_type = 'email'"
    "    AND other.account_info_value = mine.account_info_value)"};

// Fails on recipe_user_tenants_pkey where the recipe has the email in a tenant already. New rows
// before the old ones go: docs/adr, decision 13.
constexpr RegistryWrite kAddTenantRows = RegistryWrite::NothingInOldTables(
    {"email_change_add_tenants",
     "INSERT INTO {recipe_user_tenants} (app_id, recipe_user_id, tenant_id, recipe_id,"
     "  account_info_type, account_info_value, third_party_id, third_party_user_id)"
     " SELECT old.app_id, old.recipe_user_id, old.tenant_id, old.recipe_id, 'email', $3::text,"
     "  old.third_party_id, old.third_party_user_id FROM {recipe_user_tenants} old"
     " WHERE old.app_id = $1::varchar AND old.recipe_user_id = $2::bpchar"
     "  AND old.account_info_type = 'email' AND old.account_info_value <> $3::text"
     " ORDER BY old.tenant_id"});

constexpr RegistryWrite kRemoveTenantRows = RegistryWrite::NothingInOldTables(
    {"email_change_remove_tenants",
     "DELETE FROM {recipe_user_tenants} WHERE app_id = $1 AND recipe_user_id = $2"
     " AND account_info_type = 'email' AND account_info_value <> $3"});

// Of the old tables, only those of email and password have emails.
constexpr RegistryWrite kMoveInfo = RegistryWrite::ThenOldTables(
    {"email_change_info",
     "UPDATE {recipe_user_account_infos} SET account_info_value = $3 WHERE app_id = $1"
     " AND recipe_user_id = $2 AND account_info_type = 'email'"},
    {"email_change_legacy_tenant",
     "UPDATE {emailpassword_user_to_tenant} SET email = $3 WHERE app_id = $1 AND user_id = $2"});

constexpr db::Statement kSetCredentials = {
    "email_change_credentials",
    "UPDATE {emailpassword_users} SET email = $3 WHERE app_id = $1 AND user_id = $2"};

absl::StatusOr<EmailChange> Conflict(const absl::Status& status) {
  if (db::ViolatesConstraint(status, "recipe_user_tenants_pkey") ||
      db::ViolatesConstraint(status, "_email_key")) {
    return EmailChange::kTaken;
  }
  return status;
}

}  // namespace

absl::StatusOr<EmailChange> ChangeEmailIn(db::Transaction& transaction, const RequestScope& scope,
                                          std::string_view user_id, std::string_view email) {
  ASSIGN_OR_RETURN(auto locked, LockUsers(transaction, scope, {std::string(user_id)}));
  auto found = locked.find(std::string(user_id));
  if (found == locked.end()) return EmailChange::kUnknownUser;
  const LockedUser& user = found->second;
  const db::Params params = {scope.app_id(), user_id, email};
  ASSIGN_OR_RETURN(db::Result differs, transaction.Execute(kDiffers, params));
  if (differs.empty()) return EmailChange::kDone;
  RETURN_IF_ERROR(EndResetTokens(transaction, scope.app_id(), user_id, user.primary_id));

  // The group's reservation decides first: an email of another primary user is "not allowed" even
  // where a login method of the same recipe has it too.
  if (user.primary_id.has_value()) {
    ASSIGN_OR_RETURN(const bool reserved,
                     ReserveInfo(transaction, scope.app_id(),
                                 {std::string(kEmailInfo), std::string(email)}, *user.primary_id));
    if (!reserved) return EmailChange::kNotAllowed;
  }
  absl::StatusOr<db::Result> added = kAddTenantRows.Execute(transaction, scope, params);
  if (!added.ok()) return Conflict(added.status());
  // Only now: what is reserved says which tenants the group is in.
  if (user.primary_id.has_value()) {
    RETURN_IF_ERROR(
        transaction.Execute(kReleaseReservation, {scope.app_id(), user_id, email, *user.primary_id})
            .status());
  }
  RETURN_IF_ERROR(kRemoveTenantRows.Execute(transaction, scope, params).status());
  absl::StatusOr<db::Result> moved = kMoveInfo.Execute(transaction, scope, params);
  if (!moved.ok()) return Conflict(moved.status());
  if (user.recipe_id == kEmailPasswordRecipe) {
    RETURN_IF_ERROR(transaction.Execute(kSetCredentials, params).status());
  }
  return EmailChange::kDone;
}

}  // namespace gatehouse::users
