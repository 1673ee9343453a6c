#include "services/dashboard/pg_dashboard_store.h"

#include <algorithm>
#include <utility>

#include "libs/base/status.h"
#include "libs/db/database.h"

namespace gatehouse::dashboard {
namespace {

using db::Statement;

// By dashboard_users_email_key: whoever comes second inserts nothing.
constexpr Statement kCreateUser = {
    "dashboard_create_user",
    "INSERT INTO {dashboard_users} (app_id, user_id, email, password_hash, time_joined)"
    " VALUES ($1, $2, $3, $4, $5)"
    " ON CONFLICT ON CONSTRAINT {~dashboard_users}_email_key DO NOTHING"};

// By dashboard_users_pkey.
constexpr Statement kFindUserById = {
    "dashboard_find_user_by_id",
    "SELECT user_id, email, time_joined FROM {dashboard_users}"
    " WHERE app_id = $1 AND user_id = $2"};
// By dashboard_users_email_key.
constexpr Statement kFindUserByEmail = {
    "dashboard_find_user_by_email",
    "SELECT user_id, email, time_joined FROM {dashboard_users} WHERE app_id = $1 AND email = $2"};

// By dashboard_users_email_key.
constexpr Statement kFindCredentials = {
    "dashboard_find_credentials",
    "SELECT user_id, password_hash FROM {dashboard_users} WHERE app_id = $1 AND email = $2"};

// By dashboard_users_pkey.
constexpr Statement kUpdateUser = {
    "dashboard_update_user",
    "UPDATE {dashboard_users} SET email = COALESCE($3, email),"
    " password_hash = COALESCE($4, password_hash)"
    " WHERE app_id = $1 AND user_id = $2 RETURNING user_id, email, time_joined"};
// By dashboard_user_sessions_user_id_index. A statement of its own, after the user's row is locked:
// so it sees the session of a sign-in that had the row first.
constexpr Statement kDeleteUserSessions = {
    "dashboard_delete_user_sessions",
    "DELETE FROM {dashboard_user_sessions} WHERE app_id = $1 AND user_id = $2"};

// By dashboard_users_pkey; the foreign key deletes the sessions.
constexpr Statement kDeleteUserById = {
    "dashboard_delete_user_by_id",
    "DELETE FROM {dashboard_users} WHERE app_id = $1 AND user_id = $2"};
// By dashboard_users_email_key.
constexpr Statement kDeleteUserByEmail = {
    "dashboard_delete_user_by_email",
    "DELETE FROM {dashboard_users} WHERE app_id = $1 AND email = $2"};

// By dashboard_users_app_id_index.
constexpr Statement kListUsers = {
    "dashboard_list_users",
    "SELECT user_id, email, time_joined FROM {dashboard_users} WHERE app_id = $1"
    " ORDER BY time_joined, user_id"};

// By dashboard_users_pkey. The lock makes a change of the credentials, or of the user, wait for the
// session that it has to end, and this wait for one that came first.
constexpr Statement kAddSession = {
    "dashboard_add_session",
    "INSERT INTO {dashboard_user_sessions} (app_id, session_id, user_id, time_created, expiry)"
    " SELECT app_id, $3, user_id, $4, $5 FROM {dashboard_users}"
    " WHERE app_id = $1 AND user_id = $2 AND email = $6 AND password_hash = $7 FOR SHARE"};

// By dashboard_user_sessions_pkey and dashboard_users_pkey.
constexpr Statement kFindSession = {
    "dashboard_find_session",
    "SELECT s.session_id, u.email, s.expiry FROM {dashboard_user_sessions} s"
    " JOIN {dashboard_users} u ON u.app_id = s.app_id AND u.user_id = s.user_id"
    " WHERE s.app_id = $1 AND s.session_id = $2"};

// By dashboard_user_sessions_pkey.
constexpr Statement kDeleteSession = {
    "dashboard_delete_session",
    "DELETE FROM {dashboard_user_sessions} WHERE app_id = $1 AND session_id = $2"};

// By dashboard_user_sessions_user_id_index.
constexpr Statement kListSessions = {
    "dashboard_list_sessions",
    "SELECT session_id, user_id, time_created, expiry FROM {dashboard_user_sessions}"
    " WHERE app_id = $1 AND user_id = $2 AND expiry > $3"
    " ORDER BY time_created DESC, session_id LIMIT $4"};

User UserOf(const db::Row& row) {
  return {.user_id = std::string(row.Trimmed(0)),
          .email = std::string(row.Text(1)),
          .time_joined_ms = row.Int64(2)};
}

const Statement& Choose(const UserKey& key, const Statement& by_id, const Statement& by_email) {
  return key.by == UserKey::By::kUserId ? by_id : by_email;
}

}  // namespace

absl::StatusOr<db::Result> PgDashboardStore::Execute(const Where& app, const Statement& statement,
                                                     const db::Params& params) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*app.tenant));
  return database->Execute(app.deadline, statement, params);
}

absl::StatusOr<StoreOutcome> PgDashboardStore::CreateUser(const Where& app, const User& user,
                                                          std::string_view password_hash) {
  const absl::StatusOr<db::Result> result =
      Execute(app, kCreateUser,
              {app.app_id(), user.user_id, user.email, password_hash, user.time_joined_ms});
  if (db::ViolatesConstraint(result.status(), "dashboard_users_app_id_fkey")) {
    return tenancy::TenantNotFound(app.tenant->scope());
  }
  RETURN_IF_ERROR(result.status());
  return result->affected() > 0 ? StoreOutcome::kDone : StoreOutcome::kEmailTaken;
}

absl::StatusOr<std::optional<User>> PgDashboardStore::FindUser(const Where& app,
                                                               const UserKey& key) {
  ASSIGN_OR_RETURN(const db::Result result,
                   Execute(app, Choose(key, kFindUserById, kFindUserByEmail),
                           {app.app_id(), key.value}));
  if (result.empty()) return std::nullopt;
  return UserOf(result.front());
}

absl::StatusOr<std::optional<PgDashboardStore::Credentials>> PgDashboardStore::FindCredentials(
    const Where& app, std::string_view email) {
  ASSIGN_OR_RETURN(const db::Result result, Execute(app, kFindCredentials, {app.app_id(), email}));
  if (result.empty()) return std::nullopt;
  return Credentials{std::string(result.front().Trimmed(0)), std::string(result.front().Text(1))};
}

absl::StatusOr<PgDashboardStore::Updated> PgDashboardStore::UpdateUser(
    const Where& app, std::string_view user_id, const std::string* email,
    const std::string* password_hash) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*app.tenant));
  db::Params params(app.app_id(), user_id);
  for (const std::string* value : {email, password_hash}) {
    if (value != nullptr) {
      params.Add(*value);
    } else {
      params.Add(nullptr);
    }
  }
  Updated updated{.outcome = StoreOutcome::kUnknownUser, .user = {}};
  const absl::Status done =
      database->Transact(app.deadline, [&](db::Transaction& transaction) -> absl::Status {
        ASSIGN_OR_RETURN(const db::Result rows, transaction.Execute(kUpdateUser, params));
        if (rows.empty()) {
          updated = {.outcome = StoreOutcome::kUnknownUser, .user = {}};
          return absl::OkStatus();
        }
        updated = {.outcome = StoreOutcome::kDone, .user = UserOf(rows.front())};
        return transaction.Execute(kDeleteUserSessions, {app.app_id(), user_id}).status();
      });
  if (db::ViolatesConstraint(done, "dashboard_users_email_key")) {
    return Updated{.outcome = StoreOutcome::kEmailTaken, .user = {}};
  }
  RETURN_IF_ERROR(done);
  return updated;
}

absl::StatusOr<bool> PgDashboardStore::DeleteUser(const Where& app, const UserKey& key) {
  ASSIGN_OR_RETURN(const db::Result result,
                   Execute(app, Choose(key, kDeleteUserById, kDeleteUserByEmail),
                           {app.app_id(), key.value}));
  return result.affected() > 0;
}

absl::StatusOr<std::vector<User>> PgDashboardStore::ListUsers(const Where& app) {
  ASSIGN_OR_RETURN(const db::Result result, Execute(app, kListUsers, {app.app_id()}));
  std::vector<User> users;
  users.reserve(static_cast<size_t>(result.rows()));
  for (const db::Row row : result) users.push_back(UserOf(row));
  return users;
}

absl::StatusOr<bool> PgDashboardStore::AddSession(const Where& app, const Session& session,
                                                  std::string_view email,
                                                  std::string_view password_hash) {
  ASSIGN_OR_RETURN(const db::Result result,
                   Execute(app, kAddSession,
                           {app.app_id(), session.user_id, session.session_id,
                            session.time_created_ms, session.expiry_ms, email, password_hash}));
  return result.affected() > 0;
}

absl::StatusOr<std::optional<PgDashboardStore::FoundSession>> PgDashboardStore::FindSession(
    const Where& app, std::string_view session_id) {
  ASSIGN_OR_RETURN(const db::Result result, Execute(app, kFindSession, {app.app_id(), session_id}));
  if (result.empty()) return std::nullopt;
  const db::Row row = result.front();
  return FoundSession{.session_id = std::string(row.Trimmed(0)),
                      .email = std::string(row.Text(1)),
                      .expiry_ms = row.Int64(2)};
}

absl::Status PgDashboardStore::DeleteSession(const Where& app, std::string_view session_id) {
  return Execute(app, kDeleteSession, {app.app_id(), session_id}).status();
}

absl::StatusOr<std::vector<Session>> PgDashboardStore::ListSessions(const Where& app,
                                                                    std::string_view user_id,
                                                                    int64_t now_ms, int limit) {
  ASSIGN_OR_RETURN(const db::Result result,
                   Execute(app, kListSessions, {app.app_id(), user_id, now_ms, limit}));
  std::vector<Session> sessions;
  sessions.reserve(static_cast<size_t>(result.rows()));
  for (const db::Row row : result) {
    sessions.push_back({.session_id = std::string(row.Trimmed(0)),
                        .user_id = std::string(row.Trimmed(1)),
                        .time_created_ms = row.Int64(2),
                        .expiry_ms = row.Int64(3)});
  }
  std::reverse(sessions.begin(), sessions.end());
  return sessions;
}

}  // namespace gatehouse::dashboard
