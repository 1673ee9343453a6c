#include "services/webauthn/pg_recovery_store.h"

#include "libs/base/status.h"
#include "libs/db/database.h"

namespace gatehouse::webauthn {
namespace {

using db::Statement;

// In all: $1 app, $2 tenant.
constexpr Statement kAdd = {
    "webauthn_add_recovery_token",
    "INSERT INTO {webauthn_account_recovery_tokens} (app_id, tenant_id, user_id, email, token,"
    " expires_at) VALUES ($1, $2, $3, $4, $5, $6)"};

// By webauthn_account_recovery_token_token_index.
constexpr Statement kFind = {
    "webauthn_find_recovery_token",
    "SELECT user_id, email FROM {webauthn_account_recovery_tokens}"
    " WHERE app_id = $1 AND tenant_id = $2 AND token = $3 AND expires_at >= $4"};

// Locked in one order, so that the uses of two tokens of one email don't wait for each other. The
// same index, and webauthn_account_recovery_token_email_index.
constexpr Statement kConsume = {
    "webauthn_consume_recovery_token",
    "WITH locked AS MATERIALIZED ("
    "  SELECT o.user_id, o.email, o.token FROM {webauthn_account_recovery_tokens} o"
    "  WHERE o.app_id = $1::varchar AND o.tenant_id = $2::varchar AND o.email = ("
    "   SELECT t.email FROM {webauthn_account_recovery_tokens} t WHERE t.app_id = $1::varchar"
    "    AND t.tenant_id = $2::varchar AND t.token = $3::varchar AND t.expires_at >= $4::bigint"
    "    LIMIT 1)"
    "  ORDER BY o.token, o.user_id FOR UPDATE),"
    " found AS (SELECT l.user_id, l.email FROM locked l WHERE l.token = $3::varchar),"
    " removed AS (DELETE FROM {webauthn_account_recovery_tokens} d USING locked l"
    "  WHERE d.app_id = $1::varchar AND d.tenant_id = $2::varchar AND d.user_id = l.user_id"
    "   AND d.token = l.token AND EXISTS (SELECT 1 FROM found))"
    " SELECT user_id, email FROM found"};

// $2 tenants. By webauthn_account_recovery_token_pkey.
constexpr Statement kRemoveOfUser = {"webauthn_remove_recovery_tokens",
                                     "DELETE FROM {webauthn_account_recovery_tokens}"
                                     " WHERE app_id = $1 AND tenant_id = " GATEHOUSE_ANY("$2", "varchar") " AND user_id = $3"};

absl::StatusOr<std::optional<RecoveryToken>> ReadToken(const absl::StatusOr<db::Result>& rows) {
  RETURN_IF_ERROR(rows.status());
  if (rows->empty()) return std::nullopt;
  const db::Row row = rows->front();
  return RecoveryToken{std::string(row.Trimmed(0)), std::string(row.Text(1))};
}

}  // namespace

absl::StatusOr<bool> PgRecoveryStore::Add(const Where& where, const RecoveryToken& token,
                                          std::string_view hash, int64_t expires_at_ms) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*where.tenant));
  const absl::Status status = database
                                  ->Execute(where.deadline, kAdd,
                                            {where.app_id(), where.tenant_id(), token.user_id,
                                             token.email, hash, expires_at_ms})
                                  .status();
  if (db::ViolatesConstraint(status, "webauthn_account_recovery_token_user_id_fkey")) return false;
  RETURN_IF_ERROR(status);
  return true;
}

absl::StatusOr<std::optional<RecoveryToken>> PgRecoveryStore::Find(const Where& where,
                                                                   std::string_view hash,
                                                                   int64_t now_ms) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*where.tenant));
  return ReadToken(
      database->Execute(where.deadline, kFind, {where.app_id(), where.tenant_id(), hash, now_ms}));
}

absl::StatusOr<std::optional<RecoveryToken>> PgRecoveryStore::Consume(const Where& where,
                                                                      std::string_view hash,
                                                                      int64_t now_ms) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*where.tenant));
  return ReadToken(database->Execute(where.deadline, kConsume,
                                     {where.app_id(), where.tenant_id(), hash, now_ms}));
}

absl::Status PgRecoveryStore::RemoveOfUser(
    const Where& where, const google::protobuf::RepeatedPtrField<std::string>& tenant_ids,
    std::string_view user_id) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*where.tenant));
  const db::TextArray tenants{{tenant_ids.begin(), tenant_ids.end()}};
  return database->Execute(where.deadline, kRemoveOfUser, {where.app_id(), tenants, user_id})
      .status();
}

}  // namespace gatehouse::webauthn
