#include "services/oauth/pg_client_store.h"

#include <utility>

#include "google/protobuf/util/json_util.h"
#include "google/protobuf/util/time_util.h"
#include "libs/base/problem.h"
#include "libs/base/status.h"
#include "libs/db/database.h"
#include "services/oauth/client_rules.h"
#include "services/oauth/client_secrets.h"

namespace gatehouse::oauth {
namespace {

using db::Statement;
using google::protobuf::util::TimeUtil;

// Far beyond what a client needs; it is read with each of its requests.
constexpr size_t kMaxSettingsBytes = 128 * 1024;

// By oauth_clients_pkey: whoever comes second makes nothing.
constexpr Statement kCreate = {
    "oauth_create_client",
    "WITH made AS (INSERT INTO {oauth_clients} (app_id, client_id, client_secret,"
    " enable_refresh_token_rotation, is_client_credentials_only) VALUES ($1, $2, $3, $4, $5)"
    " ON CONFLICT (app_id, client_id) DO NOTHING RETURNING app_id, client_id)"
    " INSERT INTO {gatehouse_oauth_clients}"
    " (app_id, client_id, client_name, created_at_s, updated_at_us, settings)"
    " SELECT app_id, client_id, $6, $7, $8, $9 FROM made"};

#define GATEHOUSE_OAUTH_CLIENT_COLUMNS                                                        \
  "SELECT c.client_id, c.client_secret, c.enable_refresh_token_rotation,"                     \
  " c.is_client_credentials_only, m.client_name, m.created_at_s, m.updated_at_us, m.settings" \
  " FROM {oauth_clients} c LEFT JOIN {gatehouse_oauth_clients} m"                             \
  " ON m.app_id = c.app_id AND m.client_id = c.client_id WHERE c.app_id = $1"

// By oauth_clients_pkey and gatehouse_oauth_clients_pkey, like the others.
constexpr Statement kFind = {"oauth_find_client",
                             GATEHOUSE_OAUTH_CLIENT_COLUMNS " AND c.client_id = $2"};
constexpr Statement kLock = {"oauth_lock_client", GATEHOUSE_OAUTH_CLIENT_COLUMNS
                             " AND c.client_id = $2 FOR NO KEY UPDATE OF c"};
constexpr Statement kList = {"oauth_list_clients", GATEHOUSE_OAUTH_CLIENT_COLUMNS
                             " ORDER BY c.client_id OFFSET $2 LIMIT $3"};
constexpr Statement kListNamed = {"oauth_list_clients_of_name", GATEHOUSE_OAUTH_CLIENT_COLUMNS
                                  " AND m.client_name = $4"
                                  " ORDER BY c.client_id OFFSET $2 LIMIT $3"};

constexpr Statement kUpdate = {
    "oauth_update_client",
    "UPDATE {oauth_clients} SET client_secret = $3, enable_refresh_token_rotation = $4,"
    " is_client_credentials_only = $5 WHERE app_id = $1 AND client_id = $2"};
constexpr Statement kUpdateMetadata = {
    "oauth_update_client_metadata",
    "INSERT INTO {gatehouse_oauth_clients}"
    " (app_id, client_id, client_name, created_at_s, updated_at_us, settings)"
    " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (app_id, client_id) DO UPDATE SET"
    " client_name = EXCLUDED.client_name, created_at_s = EXCLUDED.created_at_s,"
    " updated_at_us = EXCLUDED.updated_at_us, settings = EXCLUDED.settings"};

// The foreign keys delete its metadata and its tokens.
constexpr Statement kDelete = {"oauth_delete_client",
                               "DELETE FROM {oauth_clients} WHERE app_id = $1 AND client_id = $2"};

bool IsClientCredentialsOnly(const v1::Client& client) {
  return client.grant_types_size() == 1 && client.grant_types(0) == "client_credentials";
}

absl::StatusOr<std::optional<std::string>> StoredSecret(const Where& app,
                                                        const v1::Client& client) {
  if (!client.has_client_secret()) return std::nullopt;
  ASSIGN_OR_RETURN(std::string stored,
                   EncryptClientSecret(*app.tenant->config, client.client_secret()));
  return stored;
}

absl::StatusOr<v1::Client> ClientOf(const Where& app, const db::Row& row) {
  v1::Client client;
  if (row.IsNull(7)) {
    // From an original: nothing but this is known.
    if (row.Bool(3)) client.add_grant_types("client_credentials");
    PrepareClient(client);
  } else {
    google::protobuf::util::JsonParseOptions lenient;
    lenient.ignore_unknown_fields = true;
    const std::string settings(row.Text(7));
    if (!google::protobuf::util::JsonStringToMessage(settings, &client, lenient).ok()) {
      return MakeError(ErrorReason::kInternal, "A client's metadata can't be read");
    }
    client.set_client_name(std::string(row.Text(4)));
  }
  *client.mutable_created_at() = TimeUtil::SecondsToTimestamp(row.Int64(5));
  *client.mutable_updated_at() = TimeUtil::MicrosecondsToTimestamp(row.Int64(6));
  client.set_client_id(std::string(row.Text(0)));
  client.set_enable_refresh_token_rotation(row.Bool(2));
  if (!row.IsNull(1)) {
    ASSIGN_OR_RETURN(*client.mutable_client_secret(),
                     DecryptClientSecret(*app.tenant->config, row.Text(1)));
  }
  return client;
}

}  // namespace

absl::StatusOr<std::string> ClientSettings(const v1::Client& client) {
  v1::Client rest = client;
  rest.clear_client_id();
  rest.clear_client_name();
  rest.clear_client_secret();
  rest.clear_created_at();
  rest.clear_updated_at();
  rest.clear_enable_refresh_token_rotation();
  std::string settings;
  if (!google::protobuf::util::MessageToJsonString(rest, &settings).ok()) {
    return BadInput(Problem::kMalformed, "The client is not valid", {{"field", "client"}});
  }
  if (settings.size() > kMaxSettingsBytes) {
    return BadInput(Problem::kTooLong, "The client is too large",
                    {{"field", "client"}, {"max_bytes", std::to_string(kMaxSettingsBytes)}});
  }
  return settings;
}

absl::StatusOr<bool> PgClientStore::Create(const Where& app, const v1::Client& client) {
  ASSIGN_OR_RETURN(const std::string settings, ClientSettings(client));
  ASSIGN_OR_RETURN(const std::optional<std::string> secret, StoredSecret(app, client));
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*app.tenant));
  const absl::StatusOr<db::Result> made =
      database->Execute(app.deadline, kCreate,
                        {app.app_id(), client.client_id(), secret,
                         client.enable_refresh_token_rotation(), IsClientCredentialsOnly(client),
                         client.client_name(), TimeUtil::TimestampToSeconds(client.created_at()),
                         TimeUtil::TimestampToMicroseconds(client.updated_at()), settings});
  if (db::ViolatesConstraint(made.status(), "oauth_clients_app_id_fkey")) {
    return tenancy::TenantNotFound(app.tenant->scope());
  }
  RETURN_IF_ERROR(made.status());
  return made->affected() > 0;
}

absl::StatusOr<std::optional<v1::Client>> PgClientStore::Find(const Where& app,
                                                              std::string_view client_id) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*app.tenant));
  ASSIGN_OR_RETURN(const db::Result found,
                   database->Execute(app.deadline, kFind, {app.app_id(), client_id}));
  if (found.empty()) return std::nullopt;
  ASSIGN_OR_RETURN(v1::Client client, ClientOf(app, found.front()));
  return client;
}

absl::StatusOr<bool> PgClientStore::Update(
    const Where& app, std::string_view client_id,
    absl::FunctionRef<absl::StatusOr<bool>(v1::Client&)> change) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*app.tenant));
  bool existed = false;
  RETURN_IF_ERROR(
      database->Transact(app.deadline, [&](db::Transaction& transaction) -> absl::Status {
        ASSIGN_OR_RETURN(const db::Result found,
                         transaction.Execute(kLock, {app.app_id(), client_id}));
        existed = !found.empty();
        if (!existed) return absl::OkStatus();
        ASSIGN_OR_RETURN(v1::Client client, ClientOf(app, found.front()));
        ASSIGN_OR_RETURN(const bool changed, change(client));
        if (!changed) return absl::OkStatus();
        ASSIGN_OR_RETURN(const std::string settings, ClientSettings(client));
        ASSIGN_OR_RETURN(const std::optional<std::string> secret, StoredSecret(app, client));
        RETURN_IF_ERROR(transaction
                            .Execute(kUpdate, {app.app_id(), client_id, secret,
                                               client.enable_refresh_token_rotation(),
                                               IsClientCredentialsOnly(client)})
                            .status());
        return transaction
            .Execute(kUpdateMetadata,
                     {app.app_id(), client_id, client.client_name(),
                      TimeUtil::TimestampToSeconds(client.created_at()),
                      TimeUtil::TimestampToMicroseconds(client.updated_at()), settings})
            .status();
      }));
  return existed;
}

absl::StatusOr<std::vector<v1::Client>> PgClientStore::List(const Where& app,
                                                            std::string_view client_name,
                                                            int64_t offset, int64_t limit) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*app.tenant));
  db::Params params(app.app_id(), offset, limit);
  if (!client_name.empty()) params.Add(client_name);
  ASSIGN_OR_RETURN(
      const db::Result found,
      database->Execute(app.deadline, client_name.empty() ? kList : kListNamed, params));
  std::vector<v1::Client> clients;
  for (const db::Row row : found) {
    ASSIGN_OR_RETURN(v1::Client client, ClientOf(app, row));
    clients.push_back(std::move(client));
  }
  return clients;
}

absl::StatusOr<bool> PgClientStore::Delete(const Where& app, std::string_view client_id) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*app.tenant));
  ASSIGN_OR_RETURN(const db::Result deleted,
                   database->Execute(app.deadline, kDelete, {app.app_id(), client_id}));
  return deleted.affected() > 0;
}

}  // namespace gatehouse::oauth
