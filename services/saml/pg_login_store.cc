#include "services/saml/pg_login_store.h"

#include "libs/base/status.h"
#include "libs/db/database.h"

namespace gatehouse::saml {
namespace {

using db::Statement;

// In all statements: $1 app, $2 tenant. By the primary keys.

// $3 to $8: the row, $9 and $10: what is ours.
constexpr Statement kBegin = {
    "saml_begin_login",
    "WITH login AS ("
    " INSERT INTO {saml_relay_state} (app_id, tenant_id, relay_state, client_id, state,"
    "  redirect_uri, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
    " RETURNING app_id, tenant_id, relay_state)"
    " INSERT INTO {gatehouse_saml_logins} (app_id, tenant_id, relay_state, request_id, acs_url)"
    " SELECT app_id, tenant_id, relay_state, $9, $10 FROM login"};

// $3 relay state, $4 now. A row that a core of the original has made has no request of ours.
constexpr Statement kFind = {
    "saml_find_login",
    "SELECT r.client_id, r.state, r.redirect_uri, l.request_id, l.acs_url, r.created_at"
    " FROM {saml_relay_state} r JOIN {gatehouse_saml_logins} l ON l.app_id = r.app_id"
    "  AND l.tenant_id = r.tenant_id AND l.relay_state = r.relay_state"
    " WHERE r.app_id = $1 AND r.tenant_id = $2 AND r.relay_state = $3 AND r.expires_at > $4"};

// $3 hash, $4 until. Its foreign key holds the tenant before anything else is locked.
constexpr Statement kNoteAssertion = {
    "saml_note_assertion",
    "INSERT INTO {gatehouse_saml_assertions} (app_id, tenant_id, assertion_hash, expires_at)"
    " VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING"};

// $3 relay state, $4 now.
constexpr Statement kEnd = {
    "saml_end_login",
    "DELETE FROM {saml_relay_state} WHERE app_id = $1 AND tenant_id = $2 AND relay_state = $3"
    " AND expires_at > $4"};

// $3 client, $4 code, $5 claims, $6 now, $7 until, $8 when the client was made. Holds the client
// until the code can be seen, so that whoever removes it takes the code along.
constexpr Statement kStoreCode = {
    "saml_store_code",
    "INSERT INTO {saml_claims} (app_id, tenant_id, client_id, code, claims, created_at, expires_at)"
    " SELECT app_id, tenant_id, client_id, $4, $5, $6, $7 FROM {saml_clients}"
    " WHERE app_id = $1 AND tenant_id = $2 AND client_id = $3 AND created_at = $8 FOR KEY SHARE"};

// $3 code, $4 now.
constexpr Statement kTakeCode = {
    "saml_take_code",
    "WITH taken AS (DELETE FROM {saml_claims} WHERE app_id = $1 AND tenant_id = $2 AND code = $3"
    " RETURNING app_id, tenant_id, client_id, claims, expires_at)"
    " SELECT t.client_id, t.claims FROM taken t JOIN {saml_clients} c ON c.app_id = t.app_id"
    "  AND c.tenant_id = t.tenant_id AND c.client_id = t.client_id WHERE t.expires_at > $4"};

absl::Status TenantGone(const Where& where, absl::Status status) {
  for (const char* constraint : {"saml_relay_state_tenant_id_fkey", "saml_relay_state_app_id_fkey",
                                 "gatehouse_saml_assertions_tenant_id_fkey",
                                 "saml_claims_tenant_id_fkey", "saml_claims_app_id_fkey"}) {
    if (db::ViolatesConstraint(status, constraint)) {
      return tenancy::TenantNotFound(where.tenant->scope());
    }
  }
  return status;
}

}  // namespace

absl::Status PgLoginStore::Begin(const Where& tenant, const Login& login, int64_t until_ms) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*tenant.tenant));
  return TenantGone(tenant, database
                                ->Execute(tenant.deadline, kBegin,
                                          {tenant.app_id(), tenant.tenant_id(), login.relay_state,
                                           login.client_id, login.state, login.redirect_uri,
                                           login.begun_ms, until_ms, login.request_id,
                                           login.acs_url})
                                .status());
}

absl::StatusOr<std::optional<Login>> PgLoginStore::Find(const Where& tenant,
                                                        std::string_view relay_state,
                                                        int64_t now_ms) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*tenant.tenant));
  ASSIGN_OR_RETURN(const db::Result rows,
                   database->Execute(tenant.deadline, kFind,
                                     {tenant.app_id(), tenant.tenant_id(), relay_state, now_ms}));
  if (rows.empty()) return std::nullopt;
  const db::Row row = rows.front();
  Login login;
  login.relay_state = std::string(relay_state);
  login.client_id = std::string(row.Text(0));
  login.state = row.OptText(1);
  login.redirect_uri = std::string(row.Text(2));
  login.request_id = std::string(row.Text(3));
  login.acs_url = std::string(row.Text(4));
  login.begun_ms = row.Int64(5);
  return login;
}

absl::StatusOr<PgLoginStore::Finished> PgLoginStore::Finish(const Where& tenant,
                                                            const VerifiedLogin& login,
                                                            int64_t now_ms) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*tenant.tenant));
  const db::Params scope = {tenant.app_id(), tenant.tenant_id()};
  Finished finished = Finished::kDone;
  const absl::Status status =
      database->Transact(tenant.deadline, [&](db::Transaction& transaction) -> absl::Status {
        finished = Finished::kDone;
        ASSIGN_OR_RETURN(
            const db::Result noted,
            transaction.Execute(
                kNoteAssertion,
                db::Params(scope).Add(login.assertion_hash).Add(login.assertion_until_ms)));
        if (noted.affected() == 0) {
          finished = Finished::kUsedAssertion;
          return absl::OkStatus();
        }
        if (login.relay_state.has_value()) {
          ASSIGN_OR_RETURN(
              const db::Result ended,
              transaction.Execute(kEnd, db::Params(scope).Add(*login.relay_state).Add(now_ms)));
          if (ended.affected() == 0) {
            finished = Finished::kUnknownLogin;
            return absl::OkStatus();
          }
        }
        ASSIGN_OR_RETURN(const db::Result stored,
                         transaction.Execute(kStoreCode, db::Params(scope)
                                                             .Add(login.client_id)
                                                             .Add(login.code)
                                                             .Add(login.claims_json)
                                                             .Add(now_ms)
                                                             .Add(login.code_until_ms)
                                                             .Add(login.client_created_ms)));
        if (stored.affected() == 0) finished = Finished::kUnknownClient;
        return absl::OkStatus();
      });
  RETURN_IF_ERROR(TenantGone(tenant, status));
  return finished;
}

absl::StatusOr<std::optional<Code>> PgLoginStore::TakeCode(const Where& tenant,
                                                           std::string_view code, int64_t now_ms) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*tenant.tenant));
  ASSIGN_OR_RETURN(const db::Result rows,
                   database->Execute(tenant.deadline, kTakeCode,
                                     {tenant.app_id(), tenant.tenant_id(), code, now_ms}));
  if (rows.empty()) return std::nullopt;
  return Code{std::string(rows.front().Text(0)), std::string(rows.front().Text(1))};
}

}  // namespace gatehouse::saml
