#include "services/users/emailverification/pg_email_verification_store.h"

#include "libs/base/status.h"
#include "libs/db/database.h"
#include "services/users/registry/pg_user_store.h"

namespace gatehouse::users {
namespace {

// $1 app, $2 tenant, $3 user id, $4 email, $5 token's hash, $6 expiry. The primary key of
// emailverification_verified_emails; emailverification_tokens_token_key decides.
constexpr db::Statement kAddToken = {
    "email_verification_add_token",
    "WITH verified AS (SELECT 1 FROM {emailverification_verified_emails}"
    "  WHERE app_id = $1::varchar AND user_id = $3::varchar AND email = $4::varchar),"
    " added AS (INSERT INTO {emailverification_tokens} (app_id, tenant_id, user_id, email, token,"
    "   token_expiry)"
    "  SELECT $1::varchar, $2::varchar, $3::varchar, $4::varchar, $5::varchar, $6::bigint"
    "  WHERE NOT EXISTS (SELECT 1 FROM verified) ON CONFLICT DO NOTHING RETURNING 1)"
    " SELECT EXISTS (SELECT 1 FROM verified), EXISTS (SELECT 1 FROM added)"};

// $1 app, $2 tenant, $3 token's hash, $4 now. Of two concurrent uses, the second finds the row
// gone. The token's unique key; the primary key of emailverification_tokens. All statements lock
// tokens in their order.
constexpr db::Statement kUseToken = {
    "email_verification_use_token",
    "WITH held AS MATERIALIZED (SELECT t.token FROM {emailverification_tokens} mine"
    "   JOIN {emailverification_tokens} t ON t.app_id = mine.app_id"
    "    AND t.tenant_id = mine.tenant_id AND t.user_id = mine.user_id AND t.email = mine.email"
    "  WHERE mine.app_id = $1::varchar AND mine.tenant_id = $2::varchar"
    "   AND mine.token = $3::varchar ORDER BY t.token FOR UPDATE OF t),"
    " gone AS (DELETE FROM {emailverification_tokens} t USING held WHERE t.token = held.token"
    "  RETURNING t.app_id, t.user_id, t.email, t.token, t.token_expiry),"
    " used AS (SELECT app_id, user_id, email FROM gone"
    "  WHERE token = $3::varchar AND token_expiry >= $4::bigint),"
    " verified AS (INSERT INTO {emailverification_verified_emails} (app_id, user_id, email)"
    "  SELECT app_id, user_id, email FROM used ON CONFLICT DO NOTHING)"
    " SELECT user_id, email FROM used"};

// The primary key of emailverification_tokens.
constexpr db::Statement kDeleteTokens = {
    "email_verification_delete_tokens",
    "WITH held AS MATERIALIZED (SELECT token FROM {emailverification_tokens}"
    "  WHERE app_id = $1::varchar AND tenant_id = $2::varchar AND user_id = $3::varchar"
    "   AND email = $4::varchar ORDER BY token FOR UPDATE)"
    " DELETE FROM {emailverification_tokens} t USING held WHERE t.token = held.token"};

constexpr db::Statement kUnverify = {"email_verification_unverify",
                                     "DELETE FROM {emailverification_verified_emails}"
                                     " WHERE app_id = $1 AND user_id = $2 AND email = $3"};

constexpr db::Statement kIsVerified = {"email_verification_is_verified",
                                       "SELECT 1 FROM {emailverification_verified_emails}"
                                       " WHERE app_id = $1 AND user_id = $2 AND email = $3"};

// emailverification_tokens_index.
constexpr db::Statement kDeleteExpired = {
    "email_verification_delete_expired",
    "DELETE FROM {emailverification_tokens} WHERE ctid IN ("
    " SELECT ctid FROM {emailverification_tokens} WHERE token_expiry < $1 LIMIT $2"
    " FOR UPDATE SKIP LOCKED)"};

}  // namespace

absl::StatusOr<TokenAdded> PgEmailVerificationStore::AddToken(const Where& scope,
                                                              std::string_view user_id,
                                                              std::string_view email,
                                                              std::string_view token_hash,
                                                              int64_t expiry_ms) {
  ASSIGN_OR_RETURN(db::Database * db, databases_.Of(*scope.tenant));
  absl::StatusOr<db::Result> result =
      db->Execute(scope.deadline, kAddToken,
                  {scope.app_id(), scope.tenant_id(), user_id, email, token_hash, expiry_ms});
  if (!result.ok()) return TenantGone(scope, result.status());
  if (result->front().Bool(0)) return TokenAdded::kAlreadyVerified;
  return result->front().Bool(1) ? TokenAdded::kAdded : TokenAdded::kDuplicateToken;
}

absl::StatusOr<std::optional<VerifiedEmail>> PgEmailVerificationStore::UseToken(
    const Where& scope, std::string_view token_hash, int64_t now_ms) {
  ASSIGN_OR_RETURN(db::Database * db, databases_.Of(*scope.tenant));
  absl::StatusOr<db::Result> result = db->Execute(
      scope.deadline, kUseToken, {scope.app_id(), scope.tenant_id(), token_hash, now_ms});
  if (!result.ok()) return TenantGone(scope, result.status());
  if (result->empty()) return std::nullopt;
  const db::Row row = result->front();
  return VerifiedEmail{std::string(row.Text(0)), std::string(row.Text(1))};
}

absl::Status PgEmailVerificationStore::DeleteTokens(const Where& scope, std::string_view user_id,
                                                    std::string_view email) {
  ASSIGN_OR_RETURN(db::Database * db, databases_.Of(*scope.tenant));
  return db
      ->Execute(scope.deadline, kDeleteTokens, {scope.app_id(), scope.tenant_id(), user_id, email})
      .status();
}

absl::Status PgEmailVerificationStore::Unverify(const Where& scope, std::string_view user_id,
                                                std::string_view email) {
  ASSIGN_OR_RETURN(db::Database * db, databases_.Of(*scope.tenant));
  return db->Execute(scope.deadline, kUnverify, {scope.app_id(), user_id, email}).status();
}

absl::StatusOr<bool> PgEmailVerificationStore::IsVerified(const Where& scope,
                                                          std::string_view user_id,
                                                          std::string_view email) {
  ASSIGN_OR_RETURN(db::Database * db, databases_.Of(*scope.tenant));
  ASSIGN_OR_RETURN(db::Result result,
                   db->Execute(scope.deadline, kIsVerified, {scope.app_id(), user_id, email}));
  return !result.empty();
}

absl::StatusOr<int64_t> DeleteExpiredEmailVerificationTokens(db::Transaction& transaction,
                                                             int64_t now_ms, int limit) {
  ASSIGN_OR_RETURN(db::Result result, transaction.Execute(kDeleteExpired, {now_ms, limit}));
  return result.affected();
}

}  // namespace gatehouse::users
