#include "services/users/registry/pg_passwordless_store.h"

#include "libs/base/status.h"
#include "libs/db/database.h"
#include "services/users/registry/pg_both_generations.h"
#include "services/users/registry/pg_contact_change.h"
#include "services/users/registry/pg_user_store.h"

namespace gatehouse::users {
namespace {

// $1 app, $2 tenant, $3 user id, $4 kind of contact, $5 contact, $6 time joined, $7 whether an
// email is verified. The primary key of recipe_user_tenants decides between sign-ups at once; the
// rest follows from the row that won.
#define GATEHOUSE_REGISTER_PASSWORDLESS_SQL                                                       \
  "WITH decided AS (INSERT INTO {recipe_user_tenants} (app_id, recipe_user_id, tenant_id,"        \
  "   recipe_id, account_info_type, account_info_value, third_party_id, third_party_user_id)"     \
  "  VALUES ($1::varchar, $3::bpchar, $2::varchar, 'passwordless', $4::varchar, $5::text, '', '')" \
  "  ON CONFLICT DO NOTHING RETURNING app_id, recipe_user_id, tenant_id),"                        \
  " identity AS (INSERT INTO {app_id_to_user_id} (app_id, user_id, recipe_id,"                    \
  "   primary_or_recipe_user_id, is_linked_or_is_a_primary_user, time_joined,"                    \
  "   primary_or_recipe_user_time_joined)"                                                        \
  "  SELECT app_id, recipe_user_id, 'passwordless', recipe_user_id, FALSE, $6::bigint,"           \
  "   $6::bigint FROM decided),"                                                                  \
  " account AS (INSERT INTO {recipe_user_account_infos} (app_id, recipe_user_id, recipe_id,"      \
  "   account_info_type, account_info_value, third_party_id, third_party_user_id,"                \
  "   primary_user_id)"                                                                           \
  "  SELECT app_id, recipe_user_id, 'passwordless', $4::varchar, $5::text, '', '', NULL"          \
  "  FROM decided),"                                                                              \
  " verified AS (INSERT INTO {emailverification_verified_emails} (app_id, user_id, email)"        \
  "  SELECT app_id, recipe_user_id, $5::text::varchar FROM decided WHERE $7::boolean"             \
  "  ON CONFLICT DO NOTHING)"

constexpr SingleRegistryWrite kRegister = {
    {"users_register_passwordless",
     GATEHOUSE_REGISTER_PASSWORDLESS_SQL " SELECT count(*) FROM decided"},
    {"users_register_passwordless_dual", GATEHOUSE_REGISTER_PASSWORDLESS_SQL
     ", legacy AS (INSERT INTO {all_auth_recipe_users} (app_id, tenant_id, user_id,"
     "   primary_or_recipe_user_id, is_linked_or_is_a_primary_user, recipe_id, time_joined,"
     "   primary_or_recipe_user_time_joined)"
     "  SELECT app_id, tenant_id, recipe_user_id, recipe_user_id, FALSE, 'passwordless',"
     "   $6::bigint, $6::bigint FROM decided),"
     " legacy_tenant AS (INSERT INTO {passwordless_user_to_tenant} (app_id, tenant_id, user_id,"
     "   email, phone_number)"
     "  SELECT app_id, tenant_id, recipe_user_id,"
     "   CASE WHEN $4::varchar = 'email' THEN $5::text END,"
     "   CASE WHEN $4::varchar = 'phone' THEN $5::text END FROM decided)"
     " SELECT count(*) FROM decided"}};

}  // namespace

absl::StatusOr<bool> PgPasswordlessStore::RegisterPasswordlessUser(
    const RequestScope& scope, const NewPasswordlessUser& user) {
  ASSIGN_OR_RETURN(db::Database * db, databases_.Of(*scope.tenant));
  absl::StatusOr<db::Result> result = kRegister.Execute(
      *db, scope,
      {scope.app_id(), scope.tenant_id(), user.user_id, user.contact.type, user.contact.value,
       user.time_joined_ms, user.email_verified && user.contact.type == kEmailInfo});
  if (!result.ok()) return TenantGone(scope, result.status());
  return result->front().Int64(0) > 0;
}

absl::StatusOr<ContactChange> PgPasswordlessStore::ChangeContact(
    const RequestScope& scope, std::string_view user_id, const std::optional<ContactUpdate>& email,
    const std::optional<ContactUpdate>& phone_number) {
  ASSIGN_OR_RETURN(db::Database * db, databases_.Of(*scope.tenant));
  ContactChange change;
  const absl::Status status =
      db->Transact(scope.deadline, [&](db::Transaction& transaction) -> absl::Status {
        change = ContactChange();
        ASSIGN_OR_RETURN(change, ChangeContactIn(transaction, scope, user_id, email, phone_number));
        return change.result == ContactChange::Result::kDone ? absl::OkStatus()
                                                             : absl::CancelledError();
      });
  if (!status.ok() && change.result == ContactChange::Result::kDone) return status;
  return change;
}

}  // namespace gatehouse::users
