#include "services/oauth/pg_session_store.h"

#include <algorithm>

#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/crypto/digest.h"
#include "libs/db/database.h"
#include "services/oauth/pg_flow_store.h"

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

// The newest ids that a grant keeps: without a bound a token that is refreshed for years makes its
// row ever longer. Each is 36 characters and a comma.
#define GATEHOUSE_OAUTH_KNOWN_IDS \
  "CASE WHEN length(s.jti) >= 37000 THEN substr(s.jti, 38) ELSE s.jti END"

// After a code that brought tokens along its grant has a row.
#define GATEHOUSE_OAUTH_MERGE_GRANT                                \
  " ON CONFLICT (gid) DO UPDATE SET jti = s.jti || EXCLUDED.jti,"  \
  " session_handle = EXCLUDED.session_handle, exp = EXCLUDED.exp," \
  " external_refresh_token = EXCLUDED.external_refresh_token"

constexpr Statement kAddGrant = {
    "oauth_add_grant",
    "INSERT INTO {oauth_sessions} AS s (gid, app_id, client_id, session_handle, jti, exp)"
    " VALUES ($1, $2, $3, $4, $5, $6)" GATEHOUSE_OAUTH_MERGE_GRANT};

// By gatehouse_oauth_codes_pkey: of many at once one finds the code unused. In one statement, so
// that a code which is used has its grant, and reuse finds it.
constexpr Statement kUseCode = {
    "oauth_use_code",
    "WITH used AS (UPDATE {gatehouse_oauth_codes} SET used = TRUE WHERE app_id = $1"
    " AND code_hash = $2 AND NOT used AND wrong_verifiers < $3 AND expires_at > $4 RETURNING gid),"
    " made AS (INSERT INTO {oauth_sessions} AS s"
    " (gid, app_id, client_id, session_handle, external_refresh_token, jti, exp)"
    " SELECT gid, $1, $5, $6, $7::text, $8, $9 FROM used" GATEHOUSE_OAUTH_MERGE_GRANT
    " RETURNING gid),"
    " kept AS (INSERT INTO {gatehouse_oauth_grants} (gid, grant_json, refreshed_at, expires_at)"
    " SELECT gid, $10, $11, $12 FROM made WHERE $7::text IS NOT NULL RETURNING gid)"
    " SELECT gid FROM made"};

// By oauth_session_external_refresh_token_index and gatehouse_oauth_grants_pkey.
constexpr Statement kFindByRefreshToken = {
    "oauth_find_by_refresh_token",
    "SELECT s.client_id, g.grant_json, g.refreshed_at, g.expires_at FROM {oauth_sessions} s"
    " JOIN {gatehouse_oauth_grants} g ON g.gid = s.gid"
    " WHERE s.app_id = $1 AND s.external_refresh_token = $2"};
// By gatehouse_oauth_rotated_tokens_pkey and oauth_sessions_pkey. Of tokens that a Hydra replaced
// only the part behind the dot is known.
constexpr Statement kFindRotated = {
    "oauth_find_rotated_token",
    "SELECT s.gid, s.client_id FROM {gatehouse_oauth_rotated_tokens} r"
    " JOIN {oauth_sessions} s ON s.gid = r.gid WHERE r.app_id = $1"
    " AND r.token_hash IN ($2, $3) LIMIT 1"};

// By oauth_sessions_pkey. A token that somebody else has just replaced is not found any more.
constexpr Statement kRefresh = {
    "oauth_refresh",
    "WITH kept AS (UPDATE {oauth_sessions} s SET jti = " GATEHOUSE_OAUTH_KNOWN_IDS
    " || $4,"
    " session_handle = $5, exp = $6 WHERE s.gid = $1 AND s.app_id = $2"
    " AND s.external_refresh_token = $3 RETURNING s.gid)"
    " UPDATE {gatehouse_oauth_grants} g SET refreshed_at = $7, expires_at = $8 FROM kept"
    " WHERE g.gid = kept.gid"};
constexpr Statement kRotate = {
    "oauth_rotate",
    "WITH kept AS (UPDATE {oauth_sessions} s SET jti = " GATEHOUSE_OAUTH_KNOWN_IDS
    " || $4,"
    " session_handle = $5, exp = $6, external_refresh_token = $9 WHERE s.gid = $1"
    " AND s.app_id = $2 AND s.external_refresh_token = $3 RETURNING s.gid),"
    " old AS (INSERT INTO {gatehouse_oauth_rotated_tokens} (app_id, token_hash, gid, expires_at)"
    " SELECT $2, $10, kept.gid, g.expires_at FROM kept"
    " JOIN {gatehouse_oauth_grants} g ON g.gid = kept.gid)"
    " UPDATE {gatehouse_oauth_grants} g SET refreshed_at = $7, expires_at = $8 FROM kept"
    " WHERE g.gid = kept.gid"};

// By oauth_sessions_pkey; the foreign keys delete what belongs to it.
constexpr Statement kRevokeGrant = {"oauth_revoke_grant",
                                    "DELETE FROM {oauth_sessions} WHERE gid = $1 AND app_id = $2"};

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

absl::StatusOr<bool> PgSessionStore::AddGrant(const Where& app, const Grant& grant) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*app.tenant));
  const absl::Status added =
      database
          ->Execute(app.deadline, kAddGrant,
                    {grant.gid, app.app_id(), grant.client_id, grant.session_handle,
                     StrCat(grant.jti, ","), grant.expires_at_s})
          .status();
  if (db::ViolatesConstraint(added, "oauth_sessions_client_id_fkey")) return false;
  RETURN_IF_ERROR(added);
  return true;
}

absl::StatusOr<bool> PgSessionStore::UseCode(const Where& app, std::string_view code,
                                             int max_wrong_verifiers, const Grant& grant,
                                             const std::optional<RefreshToken>& refresh,
                                             const v1::Grant& document) {
  ASSIGN_OR_RETURN(const std::string text, ToDocument(document));
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*app.tenant));
  const std::optional<std::string> token =
      refresh.has_value() ? std::optional(refresh->token) : std::nullopt;
  const int64_t refresh_expires_at_s = refresh.has_value() ? refresh->expires_at_s : 0;
  const absl::StatusOr<db::Result> made =
      database->Execute(app.deadline, kUseCode,
                        {app.app_id(), crypto::Sha256Hex(code), max_wrong_verifiers,
                         grant.issued_at_s * 1000, grant.client_id, grant.session_handle, token,
                         StrCat(grant.jti, ","), std::max(grant.expires_at_s, refresh_expires_at_s),
                         text, grant.issued_at_s * 1000, refresh_expires_at_s * 1000});
  if (db::ViolatesConstraint(made.status(), "oauth_sessions_client_id_fkey")) return false;
  RETURN_IF_ERROR(made.status());
  return !made->empty();
}

absl::StatusOr<std::optional<PgSessionStore::FoundGrant>> PgSessionStore::FindByRefreshToken(
    const Where& app, std::string_view token) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*app.tenant));
  ASSIGN_OR_RETURN(const db::Result rows,
                   database->Execute(app.deadline, kFindByRefreshToken, {app.app_id(), token}));
  if (rows.empty()) return std::nullopt;
  const db::Row row = rows.front();
  FoundGrant found = {.client_id = std::string(row.Text(0)),
                      .grant = {},
                      .refreshed_at_s = row.Int64(2) / 1000,
                      .expires_at_s = row.Int64(3) / 1000};
  RETURN_IF_ERROR(FromDocument(row.Text(1), found.grant));
  return found;
}

absl::StatusOr<std::optional<PgSessionStore::Rotated>> PgSessionStore::FindRotated(
    const Where& app, std::string_view token) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*app.tenant));
  ASSIGN_OR_RETURN(const db::Result rows,
                   database->Execute(app.deadline, kFindRotated,
                                     {app.app_id(), crypto::Sha256Hex(token),
                                      crypto::Sha256Hex(token.substr(token.rfind('.') + 1))}));
  if (rows.empty()) return std::nullopt;
  return Rotated{std::string(rows.front().Text(0)), std::string(rows.front().Text(1))};
}

absl::StatusOr<bool> PgSessionStore::Refresh(const Where& app, std::string_view token,
                                             const Grant& grant,
                                             const std::optional<std::string>& replacement,
                                             int64_t expires_at_s) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*app.tenant));
  db::Params params(grant.gid, app.app_id(), token, StrCat(grant.jti, ","), grant.session_handle,
                    std::max(grant.expires_at_s, expires_at_s), grant.issued_at_s * 1000,
                    expires_at_s * 1000);
  if (replacement.has_value()) params.Add(*replacement).Add(crypto::Sha256Hex(token));
  ASSIGN_OR_RETURN(
      const db::Result kept,
      database->Execute(app.deadline, replacement.has_value() ? kRotate : kRefresh, params));
  return kept.affected() > 0;
}

absl::Status PgSessionStore::RevokeGrant(const Where& app, std::string_view gid) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*app.tenant));
  return database->Execute(app.deadline, kRevokeGrant, {gid, app.app_id()}).status();
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
