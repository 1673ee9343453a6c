#include "services/users/registry/pg_identity_change.h"

#include <string>
#include <vector>

#include "libs/base/status.h"
#include "libs/db/database.h"
#include "services/users/linking/pg_reservations.h"
#include "services/users/registry/pg_both_generations.h"
#include "services/users/registry/pg_reset_tokens.h"
#include "services/users/registry/pg_user_lock.h"

namespace gatehouse::users {
namespace {

using Result = IdentityChange::Result;

// Everywhere: $1 app, $2 user id, then as said. idx_recipe_user_account_infos_app_recipe_user,
// idx_recipe_user_tenants_recipe_user_id.
constexpr db::Statement kCurrent = {
    "identity_change_current",
    "SELECT max(account_info_value) FILTER (WHERE account_info_type = 'email'),"
    " max(account_info_value) FILTER (WHERE account_info_type = 'phone')"
    " FROM {recipe_user_account_infos} WHERE app_id = $1 AND recipe_user_id = $2"};

// $3 kind, $4 old value, $5 the primary user. It stays reserved where another member of the group
// has it too. idx_recipe_user_account_infos_app_primary_user.
constexpr db::Statement kRelease = {
    "identity_change_release",
    "DELETE FROM {primary_user_tenants} r WHERE r.app_id = $1::varchar"
    " AND r.primary_user_id = $5::bpchar AND r.account_info_type = $3::varchar"
    " AND r.account_info_value = $4::text"
    " AND NOT EXISTS (SELECT 1 FROM {recipe_user_account_infos} other"
    "  WHERE other.app_id = $1::varchar AND other.primary_user_id = $5::bpchar"
    "   AND other.recipe_user_id <> $2::bpchar AND other.account_info_type = $3::varchar"
    "   AND other.account_info_value = $4::text)"};

// $3 kind, $4 new value. Whether another login method of the recipe has it in one of the user's
// tenants.
constexpr db::Statement kIsTaken = {
    "identity_change_is_taken",
    "SELECT EXISTS (SELECT 1 FROM {recipe_user_tenants} mine JOIN {recipe_user_tenants} t"
    "  ON t.app_id = mine.app_id AND t.tenant_id = mine.tenant_id AND t.recipe_id = mine.recipe_id"
    "  AND t.account_info_type = $3::varchar AND t.account_info_value = $4::text"
    "  AND t.recipe_user_id <> mine.recipe_user_id"
    " WHERE mine.app_id = $1::varchar AND mine.recipe_user_id = $2::bpchar)"};

// $3 kind, $4 new value. A third-party identity's email carries the identity. Fails on
// recipe_user_tenants_pkey where the recipe has it in a tenant.
constexpr RegistryWrite kAddToTenants = RegistryWrite::NothingInOldTables(
    {"identity_change_add_tenants",
     "INSERT INTO {recipe_user_tenants} (app_id, recipe_user_id, tenant_id, recipe_id,"
     "  account_info_type, account_info_value, third_party_id, third_party_user_id)"
     " SELECT app_id, recipe_user_id, tenant_id, recipe_id, $3::varchar, $4::text,"
     "  max(third_party_id), max(third_party_user_id) FROM {recipe_user_tenants}"
     " WHERE app_id = $1::varchar AND recipe_user_id = $2::bpchar"
     " GROUP BY app_id, recipe_user_id, tenant_id, recipe_id ORDER BY tenant_id"});
// $3 kind, $4 the value that stays, or null.
constexpr RegistryWrite kRemoveFromTenants = RegistryWrite::NothingInOldTables(
    {"identity_change_remove_tenants",
     "DELETE FROM {recipe_user_tenants} WHERE app_id = $1 AND recipe_user_id = $2"
     " AND account_info_type = $3 AND account_info_value IS DISTINCT FROM $4::text"});

// $3 kind, VALUE: what becomes of it in the old table, whose unique keys are named after columns.
#define GATEHOUSE_SET_OLD_CONTACT_SQL(VALUE)                    \
  "UPDATE {passwordless_user_to_tenant}"                        \
  " SET email = CASE WHEN $3::varchar = 'email' THEN " VALUE    \
  " ELSE email END,"                                            \
  " phone_number = CASE WHEN $3::varchar = 'phone' THEN " VALUE \
  " ELSE phone_number END"                                      \
  " WHERE app_id = $1::varchar AND user_id = $2::bpchar"

constexpr RegistryWrite kReplaceInfo = RegistryWrite::ThenOldTables(
    {"identity_change_replace_info",
     "UPDATE {recipe_user_account_infos} SET account_info_value = $4 WHERE app_id = $1"
     " AND recipe_user_id = $2 AND account_info_type = $3"},
    {"identity_change_legacy_replace",
     "WITH passwords AS (UPDATE {emailpassword_user_to_tenant} SET email = $4::text"
     "  WHERE app_id = $1::varchar AND user_id = $2::bpchar AND $3::varchar = 'email'),"
     " passkeys AS (UPDATE {webauthn_user_to_tenant} SET email = $4::text"
     "  WHERE app_id = $1::varchar AND user_id = $2::bpchar AND $3::varchar = 'email')"
     " " GATEHOUSE_SET_OLD_CONTACT_SQL("$4::text")});
// $5 the primary user, or null; $6 recipe.
constexpr RegistryWrite kAddInfo = RegistryWrite::ThenOldTables(
    {"identity_change_add_info",
     "INSERT INTO {recipe_user_account_infos} (app_id, recipe_user_id, recipe_id,"
     "  account_info_type, account_info_value, third_party_id, third_party_user_id,"
     "  primary_user_id) VALUES ($1, $2, $6, $3, $4, '', '', $5)"},
    {"identity_change_legacy_add", GATEHOUSE_SET_OLD_CONTACT_SQL("$4::text")});
constexpr RegistryWrite kRemoveInfo = RegistryWrite::ThenOldTables(
    {"identity_change_remove_info",
     "DELETE FROM {recipe_user_account_infos} WHERE app_id = $1 AND recipe_user_id = $2"
     " AND account_info_type = $3"},
    {"identity_change_legacy_remove", GATEHOUSE_SET_OLD_CONTACT_SQL("NULL")});

// $3 email. Of a login method with a password.
constexpr db::Statement kSetCredentials = {
    "identity_change_credentials",
    "UPDATE {emailpassword_users} SET email = $3 WHERE app_id = $1 AND user_id = $2"};

// One field of the login method, and what becomes of it.
struct Field {
  std::string_view type;
  std::optional<std::string> before, after;
  bool changes() const { return before != after; }
  bool IsSet() const { return changes() && after.has_value(); }
};

struct Change {
  db::Transaction& transaction;
  const Where& scope;
  const std::string& app_id;
  const LockedUser& user;
};

// The group's reservations decide first: a contact of another primary user is "not allowed" even
// where a login method of the same recipe has it too. Gives kDone, or why not, and which field.
absl::StatusOr<Result> Reserve(const Change& change, const std::vector<Field>& fields,
                               std::string& type) {
  const auto& [transaction, scope, app_id, user] = change;
  if (!user.primary_id.has_value()) return Result::kDone;
  for (const Field& field : fields) {
    if (!field.IsSet()) continue;
    type = std::string(field.type);
    ASSIGN_OR_RETURN(const bool reserved,
                     ReserveInfo(transaction, app_id, {type, *field.after}, *user.primary_id));
    if (reserved) continue;
    for (const Field& earlier : fields) {
      if (earlier.type == field.type) break;
      if (!earlier.IsSet()) continue;
      ASSIGN_OR_RETURN(
          const db::Result taken,
          transaction.Execute(kIsTaken, {app_id, user.user_id, earlier.type, *earlier.after}));
      if (!taken.front().Bool(0)) continue;
      type = std::string(earlier.type);
      return Result::kTaken;
    }
    return Result::kNotAllowed;
  }
  return Result::kDone;
}

absl::StatusOr<Result> Set(const Change& change, const Field& field) {
  const auto& [transaction, scope, app_id, user] = change;
  const db::Params params = {app_id, user.user_id, field.type, *field.after};
  const absl::Status added = kAddToTenants.Execute(transaction, scope, params).status();
  if (db::ViolatesConstraint(added, "recipe_user_tenants_pkey")) return Result::kTaken;
  RETURN_IF_ERROR(added);
  const absl::Status set =
      (field.before.has_value() ? kReplaceInfo.Execute(transaction, scope, params)
                                : kAddInfo.Execute(transaction, scope,
                                                   {app_id, user.user_id, field.type, *field.after,
                                                    user.primary_id, user.recipe_id},
                                                   params))
          .status();
  if (db::ViolatesConstraint(set, "_email_key") ||
      db::ViolatesConstraint(set, "_phone_number_key")) {
    return Result::kTaken;
  }
  RETURN_IF_ERROR(set);
  return Result::kDone;
}

absl::Status ClearOld(const Change& change, const Field& field) {
  const auto& [transaction, scope, app_id, user] = change;
  if (!field.before.has_value()) return absl::OkStatus();
  RETURN_IF_ERROR(kRemoveFromTenants
                      .Execute(transaction, scope, {app_id, user.user_id, field.type, field.after})
                      .status());
  if (field.after.has_value()) return absl::OkStatus();
  return kRemoveInfo.Execute(transaction, scope, {app_id, user.user_id, field.type}).status();
}

// After the new values are reserved: which tenants the group is in is read from its reservations.
absl::Status ReleaseOld(const Change& change, const Field& field) {
  if (!field.before.has_value() || !change.user.primary_id.has_value()) return absl::OkStatus();
  return change.transaction
      .Execute(kRelease, {change.app_id, change.user.user_id, field.type, *field.before,
                          *change.user.primary_id})
      .status();
}

}  // namespace

absl::StatusOr<IdentityChange> ChangeIdentityIn(db::Transaction& transaction, const Where& scope,
                                                std::string_view recipe_id,
                                                std::string_view user_id,
                                                const IdentityUpdate& update) {
  const std::string id(user_id);
  ASSIGN_OR_RETURN(auto locked, LockUsers(transaction, scope, {id}));
  const auto found = locked.find(id);
  IdentityChange outcome;
  if (found == locked.end() || found->second.recipe_id != recipe_id) {
    outcome.result = Result::kUnknownUser;
    return outcome;
  }
  ASSIGN_OR_RETURN(const db::Result current, transaction.Execute(kCurrent, {scope.app_id(), id}));
  std::vector<Field> fields = {{kEmailInfo, current.front().OptText(0), {}},
                               {kPhoneInfo, current.front().OptText(1), {}}};
  outcome.previous_email = fields[0].before;
  outcome.previous_phone_number = fields[1].before;
  if (!outcome.previous_email.has_value() && !outcome.previous_phone_number.has_value()) {
    outcome.result = Result::kUnknownUser;  // only the id of a group is left of it
    return outcome;
  }
  fields[0].after = update.email.has_value() ? update.email->value : fields[0].before;
  fields[1].after = update.phone_number.has_value() ? update.phone_number->value : fields[1].before;
  if (!fields[0].after.has_value() && !fields[1].after.has_value()) {
    outcome.result = Result::kNoContactLeft;
    return outcome;
  }
  if (fields[0].before.has_value() && fields[0].changes()) {
    RETURN_IF_ERROR(EndResetTokens(transaction, scope.app_id(), id, found->second.primary_id));
  }
  const Change change = {transaction, scope, scope.app_id(), found->second};
  // What is new before what goes (docs/adr, decision 13); and the tenants that the user is in are
  // read from its rows.
  ASSIGN_OR_RETURN(outcome.result, Reserve(change, fields, outcome.info_type));
  if (outcome.result != Result::kDone) return outcome;
  for (const Field& field : fields) {
    if (!field.IsSet()) continue;
    outcome.info_type = std::string(field.type);
    ASSIGN_OR_RETURN(outcome.result, Set(change, field));
    if (outcome.result != Result::kDone) return outcome;
  }
  for (const Field& field : fields) {
    if (!field.changes()) continue;
    RETURN_IF_ERROR(ReleaseOld(change, field));
    RETURN_IF_ERROR(ClearOld(change, field));
  }
  if (recipe_id == kEmailPasswordRecipe && fields[0].IsSet()) {
    RETURN_IF_ERROR(
        transaction.Execute(kSetCredentials, {scope.app_id(), id, *fields[0].after}).status());
  }
  return outcome;
}

}  // namespace gatehouse::users
