#include "services/session/pg_session_store.h"

#include <utility>

#include "libs/base/status.h"
#include "libs/db/database.h"
#include "libs/tenancy/tenant_databases.h"
#include "libs/tenancy/tenant_directory.h"

namespace gatehouse::session {
namespace {

// By the primary key (app_id, tenant_id, session_handle), unless another index is named.

#define GATEHOUSE_COLUMNS                                                            \
  "(app_id, tenant_id, session_handle, user_id, refresh_token_hash_2, session_data," \
  " expires_at, created_at_time, jwt_user_payload, use_static_key)"
constexpr db::Statement kCreate = {"session_create",
                                   "INSERT INTO {session_info} " GATEHOUSE_COLUMNS
                                   " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"};

// The meaning of the user id USER, as `r`; nulls for null.
#define GATEHOUSE_RESOLVED(USER) \
  "{schema}.{~gatehouse_resolve_user_id}($1::varchar, " USER "::varchar) r"
#define GATEHOUSE_USER_IDS "r.user_id, r.external_id, r.primary_id, r.primary_external"

// kCreate, if clients know the user by this id or nobody has it.
constexpr db::Statement kCreateResolving = {
    "session_create_resolving",
    "WITH r AS (SELECT * FROM " GATEHOUSE_RESOLVED("$4") "),"
    " made AS (INSERT INTO {session_info} " GATEHOUSE_COLUMNS
    "  SELECT $1::varchar, $2::varchar, $3::varchar, $4::varchar, $5::varchar, $6::text,"
    "   $7::bigint, $8::bigint, $9::text, $10::boolean FROM r"
    "  WHERE r.user_id IS NULL OR r.external_id = $4::varchar RETURNING true AS created)"
    " SELECT " GATEHOUSE_USER_IDS ", made.created FROM r LEFT JOIN made ON true"};
#undef GATEHOUSE_COLUMNS

#define GATEHOUSE_SESSION                                                               \
  "user_id, refresh_token_hash_2, prev_refresh_token_hash_2, refresh_token_rotated_at," \
  " session_data, jwt_user_payload, expires_at, created_at_time, use_static_key FROM "  \
  "{session_info}"
#define GATEHOUSE_BY_HANDLE " WHERE app_id = $1 AND tenant_id = $2 AND session_handle = $3"
constexpr db::Statement kGet = {"session_get", "SELECT " GATEHOUSE_SESSION GATEHOUSE_BY_HANDLE};
constexpr db::Statement kGetShown = {
    "session_get_shown",
    "SELECT {schema}.{~gatehouse_primary_user_id}(app_id, user_id), " GATEHOUSE_SESSION
        GATEHOUSE_BY_HANDLE};

// $4 the new token, $5 the presented one, $6 its parent, $7 now, $8 the new expiry, $9 the oldest
// rotation that is within the grace period, $10 the static-key flag or null, $11 the latest
// rotation that the statement may know of. When the presented token or its parent is current, the
// presented one becomes the previous one. When it is the previous one within the grace period, only
// the current one changes, so that the refresh can be repeated for the rest of that period. Two at
// once take turns at the row's lock and see each other's changes. $12 a user id to resolve, or
// null.
constexpr db::Statement kRotate = {
    "session_rotate",
    "UPDATE {session_info} s SET refresh_token_hash_2 = $4,"
    " prev_refresh_token_hash_2 = CASE WHEN refresh_token_hash_2 IN ($5, $6) THEN $5"
    " ELSE prev_refresh_token_hash_2 END,"
    " refresh_token_rotated_at = CASE WHEN refresh_token_hash_2 IN ($5, $6) THEN $7"
    " ELSE refresh_token_rotated_at END,"
    " expires_at = CASE WHEN refresh_token_hash_2 IN ($5, $6) THEN $8 ELSE expires_at END,"
    " use_static_key = COALESCE($10, use_static_key)"
    " FROM " GATEHOUSE_RESOLVED("$12")
    " WHERE app_id = $1 AND tenant_id = $2 AND session_handle = $3 AND expires_at >= $7"
    " AND (refresh_token_hash_2 IN ($5, $6)"
    " OR (prev_refresh_token_hash_2 = $5 AND refresh_token_rotated_at BETWEEN $9 AND $11))"
    " RETURNING s.user_id, jwt_user_payload, use_static_key, " GATEHOUSE_USER_IDS};

constexpr db::Statement kUndoRotation = {
    "session_undo_rotation",
    "UPDATE {session_info} SET refresh_token_hash_2 = prev_refresh_token_hash_2,"
    " prev_refresh_token_hash_2 = NULL, refresh_token_rotated_at = NULL"
    " WHERE app_id = $1 AND tenant_id = $2 AND session_handle = $3 AND refresh_token_hash_2 = $4"
    " AND prev_refresh_token_hash_2 IS NOT NULL"};

#define GATEHOUSE_PROMOTE                                                                        \
  "UPDATE {session_info} SET refresh_token_hash_2 = $5,"                                         \
  " prev_refresh_token_hash_2 = refresh_token_hash_2, refresh_token_rotated_at = $6,"            \
  " expires_at = $7, use_static_key = COALESCE($8, use_static_key)" GATEHOUSE_BY_HANDLE          \
  " AND refresh_token_hash_2 = $4"
#define GATEHOUSE_CHANGED " RETURNING user_id, jwt_user_payload, use_static_key"
constexpr db::Statement kPromote = {"session_promote", GATEHOUSE_PROMOTE GATEHOUSE_CHANGED};

// One visit instead of two for a refresh that promotes. The row is that of before: parts of one
// statement don't see each other's changes. It has to wait only for the row that it changes. $9 a
// user id to resolve, or null.
constexpr db::Statement kGetPromoting = {
    "session_get_promoting",
    "WITH promoted AS (" GATEHOUSE_PROMOTE " AND expires_at >= $6" GATEHOUSE_CHANGED
    "), found AS (SELECT " GATEHOUSE_SESSION GATEHOUSE_BY_HANDLE
    ") SELECT promoted.*, found.*, " GATEHOUSE_USER_IDS
    " FROM found CROSS JOIN " GATEHOUSE_RESOLVED("$9") " LEFT JOIN promoted ON true"};
#undef GATEHOUSE_USER_IDS
#undef GATEHOUSE_RESOLVED
#undef GATEHOUSE_CHANGED
#undef GATEHOUSE_PROMOTE
#undef GATEHOUSE_BY_HANDLE
#undef GATEHOUSE_SESSION

constexpr db::Statement kSetUseStaticKey = {
    "session_set_use_static_key",
    "UPDATE {session_info} SET use_static_key = $4"
    " WHERE app_id = $1 AND tenant_id = $2 AND session_handle = $3"};

constexpr db::Statement kUpdate = {
    "session_update",
    "UPDATE {session_info} SET session_data = COALESCE($5, session_data),"
    " jwt_user_payload = COALESCE($6, jwt_user_payload)"
    " WHERE app_id = $1 AND tenant_id = $2 AND session_handle = $3 AND expires_at > $4"
    " RETURNING user_id, jwt_user_payload, use_static_key"};

constexpr db::Statement kDelete = {
    "session_delete",
    "DELETE FROM {session_info} WHERE app_id = $1 AND tenant_id = $2"
    " AND session_handle = " GATEHOUSE_ANY("$3", "varchar")
    " RETURNING session_handle"};

// By session_info_user_id_app_id_index (user_id, app_id); a user has few sessions.
#define GATEHOUSE_OF_USERS                                           \
  " WHERE app_id = $1 AND user_id = " GATEHOUSE_ANY("$2", "varchar") \
  " AND tenant_id = COALESCE($3, tenant_id) AND expires_at >= COALESCE($4, expires_at)"
constexpr db::Statement kList = {"session_list",
                                 "SELECT session_handle FROM {session_info}" GATEHOUSE_OF_USERS
                                 " ORDER BY created_at_time, session_handle"};
constexpr db::Statement kDeleteOfUsers = {"session_delete_of_users",
                                          "DELETE FROM {session_info}" GATEHOUSE_OF_USERS
                                          " RETURNING session_handle"};
constexpr db::Statement kExists = {
    "session_exists", "SELECT EXISTS (SELECT 1 FROM {session_info}" GATEHOUSE_OF_USERS ")"};
#undef GATEHOUSE_OF_USERS

db::Params OfUsers(const tenancy::Tenant& tenant, const UserSessions& sessions) {
  return {tenant.app_id, db::TextArray{sessions.user_ids}, sessions.tenant_id,
          sessions.valid_at_ms};
}

std::string TextOrEmptyObject(db::Row row, int column) {
  return row.IsNull(column) ? "{}" : std::string(row.Text(column));
}

// From `column` on, as GATEHOUSE_SESSION selects it.
SessionRow ReadSession(db::Row row, int column) {
  SessionRow session;
  session.user_id = std::string(row.Text(column));
  session.refresh_hash2 = std::string(row.Text(column + 1));
  session.previous_refresh_hash2 = row.OptText(column + 2);
  session.rotated_at_ms = row.OptInt64(column + 3);
  session.session_data = TextOrEmptyObject(row, column + 4);
  session.jwt_payload = TextOrEmptyObject(row, column + 5);
  session.expires_at_ms = row.Int64(column + 6);
  session.created_at_ms = row.Int64(column + 7);
  session.use_static_key = row.Bool(column + 8);
  return session;
}

// From `column` on, as GATEHOUSE_USER_IDS selects them: what `id` means.
UserIds ReadUser(const tenancy::Tenant& tenant, const std::string& id, db::Row row, int column) {
  if (row.IsNull(column)) return UserIds::OfNobody(id);
  UserIds ids;
  ids.supertokens_user_id = std::string(row.Trimmed(column));
  ids.recipe_user_id = std::string(row.Text(column + 1));
  ids.primary_supertokens_user_id = std::string(row.Trimmed(column + 2));
  ids.user_id = std::string(row.Text(column + 3));
  ids.database_tenant_id = tenant.tenant_id;
  return ids;
}

// From the first column on, as GATEHOUSE_CHANGED returns it.
ChangedSession ReadChanged(db::Row row) {
  return {std::string(row.Text(0)), TextOrEmptyObject(row, 1), row.Bool(2), std::nullopt};
}
std::optional<ChangedSession> ReadChanged(const db::Result& rows) {
  if (rows.empty()) return std::nullopt;
  return ReadChanged(rows.front());
}

// Of GATEHOUSE_PROMOTE.
db::Params OfPromotion(const tenancy::Tenant& tenant, std::string_view handle,
                       const Promotion& promotion) {
  return {tenant.app_id,         tenant.tenant_id,       handle,
          promotion.parent_hash2, promotion.child_hash2,  promotion.now_ms,
          promotion.expires_at_ms, promotion.use_static_key};
}

std::vector<std::string> ReadHandles(const db::Result& rows) {
  std::vector<std::string> handles;
  handles.reserve(rows.rows());
  for (const db::Row row : rows) handles.emplace_back(row.Text(0));
  return handles;
}

}  // namespace

absl::StatusOr<CreatedSession> PgSessionStore::Create(const tenancy::Tenant& tenant,
                                                      const NewSession& session,
                                                      absl::Time deadline) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(tenant));
  const absl::StatusOr<db::Result> rows =
      database->Execute(deadline, session.resolve_user ? kCreateResolving : kCreate,
                        {tenant.app_id, tenant.tenant_id, session.handle, session.user_id,
                         session.refresh_hash2, session.session_data, session.expires_at_ms,
                         session.created_at_ms, session.jwt_payload, session.use_static_key});
  if (db::ViolatesConstraint(rows.status(), "_tenant_id_fkey")) {
    return tenancy::TenantNotFound(tenant.scope());
  }
  RETURN_IF_ERROR(rows.status());
  if (!session.resolve_user) return CreatedSession();
  const db::Row row = rows->front();
  return CreatedSession{!row.IsNull(4), ReadUser(tenant, session.user_id, row, 0)};
}

absl::StatusOr<std::optional<SessionRow>> PgSessionStore::Get(const tenancy::Tenant& tenant,
                                                              std::string_view handle,
                                                              absl::Time deadline) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(tenant));
  ASSIGN_OR_RETURN(const db::Result rows,
                   database->Execute(deadline, kGet, {tenant.app_id, tenant.tenant_id, handle}));
  if (rows.empty()) return std::nullopt;
  return ReadSession(rows.front(), 0);
}

absl::StatusOr<std::optional<ShownSession>> PgSessionStore::GetShown(const tenancy::Tenant& tenant,
                                                                     std::string_view handle,
                                                                     absl::Time deadline) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(tenant));
  ASSIGN_OR_RETURN(
      const db::Result rows,
      database->Execute(deadline, kGetShown, {tenant.app_id, tenant.tenant_id, handle}));
  if (rows.empty()) return std::nullopt;
  const db::Row row = rows.front();
  return ShownSession{ReadSession(row, 1), row.OptTrimmed(0)};
}

absl::StatusOr<std::optional<ChangedSession>> PgSessionStore::Rotate(
    const tenancy::Tenant& tenant, std::string_view handle, const Rotation& rotation,
    const std::optional<std::string>& resolve_user_id, absl::Time deadline) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(tenant));
  ASSIGN_OR_RETURN(
      const db::Result rows,
      database->Execute(
          deadline, kRotate,
          {tenant.app_id, tenant.tenant_id, handle, rotation.new_hash2, rotation.presented_hash2,
           rotation.parent_hash2, rotation.now_ms, rotation.expires_at_ms, rotation.grace_from_ms,
           rotation.use_static_key, rotation.grace_to_ms, resolve_user_id}));
  std::optional<ChangedSession> changed = ReadChanged(rows);
  if (changed.has_value() && resolve_user_id.has_value()) {
    changed->user = ReadUser(tenant, *resolve_user_id, rows.front(), 3);
  }
  return changed;
}

absl::Status PgSessionStore::UndoRotation(const tenancy::Tenant& tenant, std::string_view handle,
                                          std::string_view new_hash2, absl::Time deadline) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(tenant));
  return database
      ->Execute(deadline, kUndoRotation, {tenant.app_id, tenant.tenant_id, handle, new_hash2})
      .status();
}

absl::StatusOr<std::optional<ChangedSession>> PgSessionStore::Promote(const tenancy::Tenant& tenant,
                                                                      std::string_view handle,
                                                                      const Promotion& promotion,
                                                                      absl::Time deadline) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(tenant));
  ASSIGN_OR_RETURN(
      const db::Result rows,
      database->Execute(deadline, kPromote, OfPromotion(tenant, handle, promotion)));
  return ReadChanged(rows);
}

absl::StatusOr<std::optional<SeenSession>> PgSessionStore::GetPromoting(
    const tenancy::Tenant& tenant, std::string_view handle, const Promotion& promotion,
    const std::optional<std::string>& resolve_user_id, absl::Time deadline) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(tenant));
  db::Params params = OfPromotion(tenant, handle, promotion);
  params.Add(resolve_user_id);
  ASSIGN_OR_RETURN(const db::Result rows, database->Execute(deadline, kGetPromoting, params));
  if (rows.empty()) return std::nullopt;
  const db::Row row = rows.front();
  SeenSession seen{ReadSession(row, 3), std::nullopt, std::nullopt};
  if (!row.IsNull(0)) seen.promoted = ReadChanged(row);
  if (resolve_user_id.has_value()) seen.user = ReadUser(tenant, *resolve_user_id, row, 12);
  return seen;
}

absl::Status PgSessionStore::SetUseStaticKey(const tenancy::Tenant& tenant, std::string_view handle,
                                             bool use_static_key, absl::Time deadline) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(tenant));
  return database
      ->Execute(deadline, kSetUseStaticKey,
                {tenant.app_id, tenant.tenant_id, handle, use_static_key})
      .status();
}

absl::StatusOr<std::optional<ChangedSession>> PgSessionStore::Update(
    const tenancy::Tenant& tenant, std::string_view handle, int64_t now_ms,
    const std::optional<std::string>& session_data, const std::optional<std::string>& jwt_payload,
    absl::Time deadline) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(tenant));
  ASSIGN_OR_RETURN(const db::Result rows,
                   database->Execute(deadline, kUpdate,
                                     {tenant.app_id, tenant.tenant_id, handle, now_ms, session_data,
                                      jwt_payload}));
  return ReadChanged(rows);
}

absl::StatusOr<std::vector<std::string>> PgSessionStore::Delete(
    const tenancy::Tenant& tenant, const std::vector<std::string>& handles, absl::Time deadline) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(tenant));
  ASSIGN_OR_RETURN(const db::Result rows,
                   database->Execute(deadline, kDelete,
                                     {tenant.app_id, tenant.tenant_id, db::TextArray{handles}}));
  return ReadHandles(rows);
}

absl::StatusOr<std::vector<std::string>> PgSessionStore::List(const tenancy::Tenant& tenant,
                                                              const UserSessions& sessions,
                                                              absl::Time deadline) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(tenant));
  ASSIGN_OR_RETURN(const db::Result rows,
                   database->Execute(deadline, kList, OfUsers(tenant, sessions)));
  return ReadHandles(rows);
}

absl::StatusOr<std::vector<std::string>> PgSessionStore::DeleteOfUsers(
    const tenancy::Tenant& tenant, const UserSessions& sessions, absl::Time deadline) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(tenant));
  ASSIGN_OR_RETURN(const db::Result rows,
                   database->Execute(deadline, kDeleteOfUsers, OfUsers(tenant, sessions)));
  return ReadHandles(rows);
}

absl::StatusOr<bool> PgSessionStore::Exists(const tenancy::Tenant& tenant,
                                            const UserSessions& sessions, absl::Time deadline) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(tenant));
  ASSIGN_OR_RETURN(const db::Result rows,
                   database->Execute(deadline, kExists, OfUsers(tenant, sessions)));
  return rows.front().Bool(0);
}

}  // namespace gatehouse::session
