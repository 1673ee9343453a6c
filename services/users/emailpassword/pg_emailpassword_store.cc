#include "services/users/emailpassword/pg_emailpassword_store.h"

#include "libs/base/status.h"
#include "libs/db/database.h"
#include "services/users/registry/pg_both_generations.h"
#include "services/users/registry/pg_identity_change.h"
#include "services/users/registry/pg_identity_rows.h"
#include "services/users/registry/pg_user_store.h"

namespace gatehouse::users {
namespace {

// Beside an identity's parameters: $11 password hash.
#define GATEHOUSE_CREDENTIALS_SQL                                                               \
  ", credentials AS (INSERT INTO {emailpassword_users} (app_id, user_id, email, password_hash," \
  "   time_joined)"                                                                             \
  "  SELECT d.app_id, d.recipe_user_id, i.value, $11::varchar, $5::bigint"                      \
  "  FROM decided d CROSS JOIN infos i WHERE i.place = 1)" GATEHOUSE_REGISTERED_SQL

constexpr SingleRegistryWrite kSignUp = {
    {"emailpassword_sign_up", GATEHOUSE_REGISTER_SQL GATEHOUSE_CREDENTIALS_SQL},
    {"emailpassword_sign_up_dual",
     GATEHOUSE_REGISTER_SQL GATEHOUSE_REGISTER_OLD_SQL GATEHOUSE_CREDENTIALS_SQL}};

// The primary keys of recipe_user_tenants and emailpassword_users.
constexpr db::Statement kFindCredentials = {
    "emailpassword_find_credentials",
    "SELECT c.user_id, c.password_hash FROM {recipe_user_tenants} t"
    " JOIN {emailpassword_users} c ON c.app_id = t.app_id AND c.user_id = t.recipe_user_id"
    " WHERE t.app_id = $1 AND t.tenant_id = $2 AND t.recipe_id = 'emailpassword'"
    "  AND t.account_info_type = 'email' AND t.third_party_id = ''"
    "  AND t.third_party_user_id = '' AND t.account_info_value = $3"};

// Ends the user's reset tokens. They are deleted first, as in kUseResetToken: of a concurrent
// change and token use, one waits for the other. emailpassword_pswd_reset_tokens_user_id_index; the
// primary key of emailpassword_users.
constexpr db::Statement kSetPassword = {
    "emailpassword_set_password",
    "WITH held AS MATERIALIZED (SELECT token FROM {emailpassword_pswd_reset_tokens}"
    "  WHERE app_id = $1::varchar AND user_id = $2::bpchar ORDER BY token FOR UPDATE),"
    " gone AS (DELETE FROM {emailpassword_pswd_reset_tokens} t USING held"
    "  WHERE t.token = held.token RETURNING 1),"
    " ended AS MATERIALIZED (SELECT count(*) AS tokens FROM gone)"
    " UPDATE {emailpassword_users} SET password_hash = $3::varchar"
    " WHERE app_id = $1::varchar AND user_id = $2::bpchar AND (SELECT tokens FROM ended) >= 0"
    " RETURNING 1"};

// emailpassword_pswd_reset_tokens_token_key decides.
constexpr db::Statement kAddResetToken = {
    "emailpassword_add_reset_token",
    "INSERT INTO {emailpassword_pswd_reset_tokens} (app_id, user_id, token, email, token_expiry)"
    " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (token) DO NOTHING RETURNING 1"};

// $1 app, $2 token's hash, $3 now, $4 new hash or null. Of two concurrent uses, the second finds
// the row gone. The token's unique key; emailpassword_pswd_reset_tokens_user_id_index.
constexpr db::Statement kUseResetToken = {
    "emailpassword_use_reset_token",
    "WITH held AS MATERIALIZED (SELECT t.token FROM {emailpassword_pswd_reset_tokens} mine"
    "   JOIN {emailpassword_pswd_reset_tokens} t"
    "    ON t.app_id = mine.app_id AND t.user_id = mine.user_id"
    "  WHERE mine.app_id = $1::varchar AND mine.token = $2::varchar"
    "  ORDER BY t.token FOR UPDATE OF t),"
    " gone AS (DELETE FROM {emailpassword_pswd_reset_tokens} t USING held"
    "  WHERE t.token = held.token"
    "  RETURNING t.app_id, t.user_id, t.token, t.email, t.token_expiry),"
    " used AS (SELECT app_id, user_id, email FROM gone"
    "  WHERE token = $2::varchar AND token_expiry >= $3::bigint),"
    " changed AS (UPDATE {emailpassword_users} c SET password_hash = $4::varchar FROM used"
    "  WHERE $4::varchar IS NOT NULL AND c.app_id = used.app_id AND c.user_id = used.user_id)"
    " SELECT user_id, email FROM used"};

// emailpassword_password_reset_token_expiry_index.
constexpr db::Statement kDeleteExpired = {
    "emailpassword_delete_expired_tokens",
    "DELETE FROM {emailpassword_pswd_reset_tokens} WHERE ctid IN ("
    " SELECT ctid FROM {emailpassword_pswd_reset_tokens} WHERE token_expiry < $1 LIMIT $2"
    " FOR UPDATE SKIP LOCKED)"};

}  // namespace

absl::StatusOr<bool> PgEmailPasswordStore::SignUp(const Where& scope,
                                                  const NewEmailPasswordUser& user) {
  const NewIdentity identity = IdentityOf(user);
  ASSIGN_OR_RETURN(const std::vector<IdentityRow> rows, RowsOf(identity.identity));
  ASSIGN_OR_RETURN(db::Database* db, databases_.Of(*scope.tenant));
  db::Params params = RegisterParams(scope, identity, rows);
  params.Add(user.password_hash);
  absl::StatusOr<db::Result> result = kSignUp.Execute(*db, scope, params);
  if (!result.ok()) return TenantGone(scope, result.status());
  return result->front().Int64(0) > 0;
}

absl::StatusOr<std::optional<Credentials>> PgEmailPasswordStore::FindCredentials(
    const Where& scope, std::string_view email) {
  ASSIGN_OR_RETURN(db::Database* db, databases_.Of(*scope.tenant));
  ASSIGN_OR_RETURN(db::Result result,
                   db->Execute(scope.deadline, kFindCredentials,
                               {scope.app_id(), scope.tenant_id(), email}));
  if (result.empty()) return std::nullopt;
  const db::Row row = result.front();
  return Credentials{std::string(row.Trimmed(0)), std::string(row.Text(1))};
}

absl::StatusOr<EmailChange> PgEmailPasswordStore::UpdateCredentials(
    const Where& scope, std::string_view user_id, const std::string* email,
    const std::string* password_hash) {
  ASSIGN_OR_RETURN(db::Database* db, databases_.Of(*scope.tenant));
  if (email == nullptr) {
    ASSIGN_OR_RETURN(
        db::Result result,
        db->Execute(scope.deadline, kSetPassword, {scope.app_id(), user_id, *password_hash}));
    return result.empty() ? EmailChange::kUnknownUser : EmailChange::kDone;
  }
  EmailChange outcome = EmailChange::kDone;
  absl::Status status =
      db->Transact(scope.deadline, [&](db::Transaction& transaction) -> absl::Status {
        ASSIGN_OR_RETURN(const IdentityChange change,
                         ChangeIdentityIn(transaction, scope, kEmailPasswordRecipe, user_id,
                                          {.email = ContactUpdate{*email}}));
        outcome = change.result;
        if (outcome != EmailChange::kDone) return absl::CancelledError();
        if (password_hash == nullptr) return absl::OkStatus();
        return transaction.Execute(kSetPassword, {scope.app_id(), user_id, *password_hash})
            .status();
      });
  if (!status.ok() && outcome == EmailChange::kDone) return status;
  return outcome;
}

absl::StatusOr<bool> PgEmailPasswordStore::AddResetToken(const Where& scope,
                                                         std::string_view user_id,
                                                         std::string_view token_hash,
                                                         const std::optional<std::string>& email,
                                                         int64_t expiry_ms) {
  ASSIGN_OR_RETURN(db::Database* db, databases_.Of(*scope.tenant));
  const absl::StatusOr<db::Result> result = db->Execute(
      scope.deadline, kAddResetToken, {scope.app_id(), user_id, token_hash, email, expiry_ms});
  if (db::ViolatesConstraint(result.status(), "_user_id_fkey")) {
    return absl::NotFoundError("the user was deleted");
  }
  RETURN_IF_ERROR(result.status());
  return !result->empty();
}

absl::StatusOr<std::optional<ResetTokenUse>> PgEmailPasswordStore::UseResetToken(
    const Where& scope, std::string_view token_hash, int64_t now_ms,
    const std::string* new_password_hash) {
  ASSIGN_OR_RETURN(db::Database* db, databases_.Of(*scope.tenant));
  std::optional<std::string> hash;
  if (new_password_hash != nullptr) hash = *new_password_hash;
  ASSIGN_OR_RETURN(db::Result result, db->Execute(scope.deadline, kUseResetToken,
                                                  {scope.app_id(), token_hash, now_ms, hash}));
  if (result.empty()) return std::nullopt;
  const db::Row row = result.front();
  return ResetTokenUse{std::string(row.Trimmed(0)), row.OptText(1)};
}

absl::StatusOr<int64_t> DeleteExpiredResetTokens(db::Transaction& transaction, int64_t now_ms,
                                                 int limit) {
  ASSIGN_OR_RETURN(db::Result result, transaction.Execute(kDeleteExpired, {now_ms, limit}));
  return result.affected();
}

}  // namespace gatehouse::users
