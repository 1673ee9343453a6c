#include "services/oauth/pg_logout_store.h"

#include "libs/base/status.h"
#include "libs/db/database.h"

namespace gatehouse::oauth {
namespace {

using db::Statement;

constexpr Statement kAdd = {"oauth_add_logout",
                            "INSERT INTO {oauth_logout_challenges} (app_id, challenge, client_id,"
                            " post_logout_redirect_uri, session_handle, state, time_created)"
                            " VALUES ($1, $2, $3, $4, $5, $6, $7)"};
// By oauth_logout_challenges_pkey.
constexpr Statement kFind = {
    "oauth_find_logout",
    "SELECT client_id, post_logout_redirect_uri, session_handle, state"
    " FROM {oauth_logout_challenges} WHERE app_id = $1 AND challenge = $2"};
constexpr Statement kDelete = {
    "oauth_delete_logout",
    "DELETE FROM {oauth_logout_challenges} WHERE app_id = $1 AND challenge = $2"};

}  // namespace

absl::StatusOr<bool> PgLogoutStore::Add(const Where& app, std::string_view challenge,
                                        const Logout& logout, int64_t now_ms) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*app.tenant));
  const absl::Status added =
      database
          ->Execute(app.deadline, kAdd,
                    {app.app_id(), challenge, logout.client_id, logout.post_logout_redirect_uri,
                     logout.session_handle, logout.state, now_ms})
          .status();
  if (db::ViolatesConstraint(added, "oauth_logout_challenges_client_id_fkey")) return false;
  RETURN_IF_ERROR(added);
  return true;
}

absl::StatusOr<std::optional<PgLogoutStore::Logout>> PgLogoutStore::Find(
    const Where& app, std::string_view challenge) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*app.tenant));
  ASSIGN_OR_RETURN(const db::Result rows,
                   database->Execute(app.deadline, kFind, {app.app_id(), challenge}));
  if (rows.empty()) return std::nullopt;
  const db::Row row = rows.front();
  return Logout{.client_id = std::string(row.Text(0)),
                .post_logout_redirect_uri = row.OptText(1),
                .session_handle = row.OptText(2),
                .state = row.OptText(3)};
}

absl::Status PgLogoutStore::Delete(const Where& app, std::string_view challenge) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*app.tenant));
  return database->Execute(app.deadline, kDelete, {app.app_id(), challenge}).status();
}

}  // namespace gatehouse::oauth
