#include "services/oauth/pg_session_store.h"

#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/db/database.h"

namespace gatehouse::oauth {
namespace {

using db::Statement;

// Milliseconds of work.
constexpr int64_t kBatch = 1000;

// The app's numbers are counted in the same statement, after the row, which few wait for.
constexpr Statement kAddMachineGrant = {
    "oauth_add_machine_grant",
    "WITH made AS (INSERT INTO {oauth_sessions} (gid, app_id, client_id, session_handle, jti, exp)"
    " VALUES ($1, $2, $3, $4, $5, $6) RETURNING app_id)"
    " INSERT INTO {oauth_m2m_token_stats} AS s (app_id, iat_bucket, exp_bucket, count)"
    " SELECT app_id, $7, $8, 1 FROM made"
    " ON CONFLICT (app_id, iat_bucket, exp_bucket) DO UPDATE SET count = s.count + 1"};

// By oauth_sessions_pkey. The list has a comma after each id.
constexpr Statement kIsAlive = {"oauth_is_alive",
                                "SELECT 1 FROM {oauth_sessions} WHERE gid = $1 AND app_id = $2"
                                " AND strpos(',' || jti, ',' || $3 || ',') > 0"};

// By oauth_sessions_pkey.
constexpr Statement kRevokeAccessToken = {
    "oauth_revoke_access_token",
    "UPDATE {oauth_sessions} SET jti = substr(replace(',' || jti, ',' || $3 || ',', ','), 2)"
    " WHERE gid = $1 AND app_id = $2 AND strpos(',' || jti, ',' || $3 || ',') > 0"};

// By oauth_session_client_id_index.
constexpr Statement kRevokeClient = {
    "oauth_revoke_client",
    "DELETE FROM {oauth_sessions} WHERE ctid = ANY(ARRAY(SELECT ctid FROM {oauth_sessions}"
    " WHERE app_id = $1 AND client_id = $2 LIMIT $3 FOR UPDATE))"};
// By oauth_session_session_handle_index.
constexpr Statement kRevokeSession = {
    "oauth_revoke_session",
    "DELETE FROM {oauth_sessions} WHERE ctid = ANY(ARRAY(SELECT ctid FROM {oauth_sessions}"
    " WHERE app_id = $1 AND session_handle = $2 LIMIT $3 FOR UPDATE))"};

absl::Status DeleteInSteps(tenancy::TenantDatabases& databases, const Where& app,
                           const Statement& statement, std::string_view key) {
  ASSIGN_OR_RETURN(db::Database * database, databases.Of(*app.tenant));
  while (true) {
    ASSIGN_OR_RETURN(const db::Result deleted,
                     database->Execute(app.deadline, statement, {app.app_id(), key, kBatch}));
    if (deleted.affected() < kBatch) return absl::OkStatus();
  }
}

}  // namespace

absl::StatusOr<bool> PgSessionStore::AddMachineGrant(const Where& app, const Grant& grant) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*app.tenant));
  const absl::Status added =
      database
          ->Execute(app.deadline, kAddMachineGrant,
                    {grant.gid, app.app_id(), grant.client_id, grant.session_handle,
                     StrCat(grant.jti, ","), grant.expires_at_s, grant.issued_at_s / 3600,
                     grant.expires_at_s / 3600})
          .status();
  if (db::ViolatesConstraint(added, "oauth_sessions_client_id_fkey")) return false;
  RETURN_IF_ERROR(added);
  return true;
}

absl::StatusOr<bool> PgSessionStore::IsAlive(const Where& app, std::string_view gid,
                                             std::string_view jti) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*app.tenant));
  ASSIGN_OR_RETURN(const db::Result found,
                   database->Execute(app.deadline, kIsAlive, {gid, app.app_id(), jti}));
  return !found.empty();
}

absl::Status PgSessionStore::RevokeAccessToken(const Where& app, std::string_view gid,
                                               std::string_view jti) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*app.tenant));
  return database->Execute(app.deadline, kRevokeAccessToken, {gid, app.app_id(), jti}).status();
}

absl::Status PgSessionStore::RevokeClient(const Where& app, std::string_view client_id) {
  return DeleteInSteps(databases_, app, kRevokeClient, client_id);
}

absl::Status PgSessionStore::RevokeSession(const Where& app, std::string_view session_handle) {
  return DeleteInSteps(databases_, app, kRevokeSession, session_handle);
}

}  // namespace gatehouse::oauth
