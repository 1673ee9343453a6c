#include "services/oauth/hydra/pg_hydra.h"

#include <optional>
#include <utility>

#include "absl/strings/str_split.h"
#include "google/protobuf/util/time_util.h"
#include "libs/base/json.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"

namespace gatehouse::oauth::hydra {
namespace {

using db::Statement;
using google::protobuf::util::TimeUtil;

// The tables' names are Hydra's own; `schema` is the one that its search path leads to. Hydra 1.x
// has lists as text and no lifespans.
constexpr Statement kMissing = {
    "hydra_missing_columns",
    "SELECT w.table_name || '.' || w.column_name FROM (VALUES"
    " ('hydra_client', 'owner'), ('hydra_client', 'post_logout_redirect_uris'),"
    " ('hydra_client', 'metadata'), ('hydra_client', 'refresh_token_grant_refresh_token_lifespan'),"
    " ('hydra_oauth2_refresh', 'signature'), ('hydra_oauth2_refresh', 'request_id'),"
    " ('hydra_oauth2_refresh', 'active'), ('hydra_oauth2_refresh', 'session_data'),"
    " ('hydra_oauth2_refresh', 'granted_audience')) AS w (table_name, column_name)"
    " WHERE NOT EXISTS (SELECT 1 FROM information_schema.columns c WHERE c.table_schema = "
    "'{schema}'"
    " AND c.table_name = w.table_name AND c.column_name = w.column_name)"};

constexpr Statement kReadOnly = {"hydra_read_only", "SET TRANSACTION READ ONLY"};

// A time outside of what a timestamp of ours holds is none.
#define GATEHOUSE_HYDRA_MICROSECONDS(column)                                                    \
  "CASE WHEN " column " BETWEEN '1970-01-01' AND '9999-12-31' THEN (extract(epoch FROM " column \
  ") * 1000000)::bigint END"

// By its primary key, whose first column is the id.
constexpr Statement kFindClients = {
    "hydra_find_clients",
    "SELECT id, client_name, scope, policy_uri, tos_uri, client_uri, logo_uri, jwks_uri,"
    " token_endpoint_auth_method, userinfo_signed_response_alg, subject_type,"
    " sector_identifier_uri, metadata::text, redirect_uris::text, grant_types::text,"
    " response_types::text, audience::text, allowed_cors_origins::text, contacts::text,"
    " post_logout_redirect_uris::text," GATEHOUSE_HYDRA_MICROSECONDS(
        "created_at") "," GATEHOUSE_HYDRA_MICROSECONDS("updated_at") ","
    " authorization_code_grant_access_token_lifespan, authorization_code_grant_id_token_lifespan,"
    " authorization_code_grant_refresh_token_lifespan,"
    " client_credentials_grant_access_token_lifespan, implicit_grant_access_token_lifespan,"
    " implicit_grant_id_token_lifespan, jwt_bearer_grant_access_token_lifespan,"
    " refresh_token_grant_id_token_lifespan, refresh_token_grant_access_token_lifespan,"
    " refresh_token_grant_refresh_token_lifespan"
    " FROM {schema}.hydra_client WHERE id = ANY($1)"};

constexpr Statement kListOwners = {
    "hydra_list_owners",
    "SELECT id, owner FROM {schema}.hydra_client WHERE id > $1 ORDER BY id LIMIT $2"};

// By its primary key.
constexpr Statement kFindTokens = {
    "hydra_find_tokens",
    "SELECT signature, client_id, subject, granted_scope, granted_audience, session_data,"
    " request_id, active," GATEHOUSE_HYDRA_MICROSECONDS(
        "requested_at") " FROM {schema}.hydra_oauth2_refresh WHERE signature = ANY($1)"};

// By its index on request_id.
constexpr Statement kFindReplaced = {
    "hydra_find_replaced_tokens",
    "SELECT request_id, signature FROM {schema}.hydra_oauth2_refresh"
    " WHERE request_id = ANY($1) AND NOT active"};

// The value of `search_path` among a URI's parameters.
std::string SearchPathOf(const std::string& dsn) {
  const size_t mark = dsn.find('?');
  if (mark == std::string::npos) return "";
  for (const absl::string_view pair : absl::StrSplit(dsn.substr(mark + 1), '&')) {
    constexpr std::string_view kName = "search_path=";
    const std::string_view text(pair.data(), pair.size());
    if (text.starts_with(kName)) return std::string(text.substr(kName.size()));
  }
  return "";
}

// Hydra joins words by bars.
std::vector<std::string> SplitBars(std::string_view text) {
  return absl::StrSplit(absl::string_view(text.data(), text.size()), '|', absl::SkipEmpty());
}

absl::Status ReadList(const db::Row& row, int column, std::string_view name,
                      google::protobuf::RepeatedPtrField<std::string>& list) {
  if (row.IsNull(column)) return absl::OkStatus();
  const absl::StatusOr<json::Value> parsed = json::Parse(row.Text(column));
  const bool is_list = parsed.ok() && (parsed->is_array() || parsed->is_null());
  if (!is_list) return absl::InvalidArgumentError(StrCat(name, " is not a list"));
  for (const json::Value& element : parsed->elements()) {
    const std::optional<std::string_view> text = element.AsString();
    if (!text.has_value())
      return absl::InvalidArgumentError(StrCat(name, " is not a list of texts"));
    list.Add(std::string(*text));
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::Client> ClientOf(const db::Row& row) {
  v1::Client client;
  bool readable = true;
  const auto text = [&](int column) {
    readable = readable && json::IsValidUtf8(row.Text(column));
    return std::string(row.Text(column));
  };
  client.set_client_id(text(0));
  client.set_client_name(text(1));
  client.set_scope(text(2));
  client.set_policy_uri(text(3));
  client.set_tos_uri(text(4));
  client.set_client_uri(text(5));
  client.set_logo_uri(text(6));
  client.set_jwks_uri(text(7));
  client.set_token_endpoint_auth_method(text(8));
  client.set_userinfo_signed_response_alg(text(9));
  client.set_subject_type(text(10));
  client.set_sector_identifier_uri(text(11));
  client.set_metadata(text(12));
  if (!readable) return absl::InvalidArgumentError("a text of it is not UTF-8");
  if (!client.metadata().empty() && !json::Parse(client.metadata()).ok()) {
    return absl::InvalidArgumentError("metadata is not JSON");
  }
  RETURN_IF_ERROR(ReadList(row, 13, "redirect_uris", *client.mutable_redirect_uris()));
  RETURN_IF_ERROR(ReadList(row, 14, "grant_types", *client.mutable_grant_types()));
  RETURN_IF_ERROR(ReadList(row, 15, "response_types", *client.mutable_response_types()));
  RETURN_IF_ERROR(ReadList(row, 16, "audience", *client.mutable_audience()));
  RETURN_IF_ERROR(
      ReadList(row, 17, "allowed_cors_origins", *client.mutable_allowed_cors_origins()));
  RETURN_IF_ERROR(ReadList(row, 18, "contacts", *client.mutable_contacts()));
  RETURN_IF_ERROR(
      ReadList(row, 19, "post_logout_redirect_uris", *client.mutable_post_logout_redirect_uris()));
  *client.mutable_created_at() = TimeUtil::SecondsToTimestamp(row.Int64(20) / 1'000'000);
  *client.mutable_updated_at() = TimeUtil::MicrosecondsToTimestamp(row.Int64(21));
  const auto lifespan = [&](int column, google::protobuf::Duration* (v1::Client::*field)()) {
    const std::optional<int64_t> nanoseconds = row.OptInt64(column);
    if (nanoseconds.has_value()) {
      *(client.*field)() = TimeUtil::NanosecondsToDuration(*nanoseconds);
    }
  };
  lifespan(22, &v1::Client::mutable_authorization_code_grant_access_token_lifespan);
  lifespan(23, &v1::Client::mutable_authorization_code_grant_id_token_lifespan);
  lifespan(24, &v1::Client::mutable_authorization_code_grant_refresh_token_lifespan);
  lifespan(25, &v1::Client::mutable_client_credentials_grant_access_token_lifespan);
  lifespan(26, &v1::Client::mutable_implicit_grant_access_token_lifespan);
  lifespan(27, &v1::Client::mutable_implicit_grant_id_token_lifespan);
  lifespan(28, &v1::Client::mutable_jwt_bearer_grant_access_token_lifespan);
  lifespan(29, &v1::Client::mutable_refresh_token_grant_id_token_lifespan);
  lifespan(30, &v1::Client::mutable_refresh_token_grant_access_token_lifespan);
  lifespan(31, &v1::Client::mutable_refresh_token_grant_refresh_token_lifespan);
  return client;
}

}  // namespace

absl::StatusOr<std::unique_ptr<PgHydra>> PgHydra::Open(const std::string& dsn,
                                                       absl::Time deadline) {
  db::DatabaseOptions options;
  options.conninfo = dsn;
  options.application_name = "gatehouse migrate";
  options.pool_size = 1;
  if (const std::string schema = SearchPathOf(dsn); !schema.empty()) {
    ASSIGN_OR_RETURN(options.tables, db::TableNames::Create(schema, ""));
  }
  ASSIGN_OR_RETURN(std::unique_ptr<db::Database> database,
                   db::Database::Create(std::move(options)));
  std::unique_ptr<PgHydra> hydra(new PgHydra(std::move(database)));
  ASSIGN_OR_RETURN(const db::Result missing, hydra->Read(deadline, kMissing, {}));
  if (missing.empty()) return hydra;
  return absl::FailedPreconditionError(
      StrCat("this is no database of an Ory Hydra 2.x: it has no ", missing.front().Text(0)));
}

absl::StatusOr<db::Result> PgHydra::Read(absl::Time deadline, const Statement& statement,
                                         const db::Params& params) {
  db::Result result;
  RETURN_IF_ERROR(database_->Transact(
      deadline, db::Isolation::kRepeatableRead, [&](db::Transaction& transaction) -> absl::Status {
        RETURN_IF_ERROR(transaction.Execute(kReadOnly).status());
        ASSIGN_OR_RETURN(result, transaction.Execute(statement, params));
        return absl::OkStatus();
      }));
  return result;
}

absl::StatusOr<std::map<std::string, absl::StatusOr<v1::Client>>> PgHydra::FindClients(
    absl::Time deadline, const std::vector<std::string>& ids) {
  ASSIGN_OR_RETURN(const db::Result rows, Read(deadline, kFindClients, {db::TextArray{ids}}));
  std::map<std::string, absl::StatusOr<v1::Client>> found;
  for (const db::Row row : rows) {
    const auto [at, added] = found.try_emplace(std::string(row.Text(0)), ClientOf(row));
    if (!added) at->second = absl::InvalidArgumentError("Hydra has it in several networks");
  }
  return found;
}

absl::StatusOr<std::vector<std::pair<std::string, std::string>>> PgHydra::ListOwners(
    absl::Time deadline, std::string_view after, int64_t limit) {
  ASSIGN_OR_RETURN(const db::Result rows, Read(deadline, kListOwners, {after, limit}));
  std::vector<std::pair<std::string, std::string>> owners;
  for (const db::Row row : rows) {
    owners.emplace_back(std::string(row.Text(0)), std::string(row.Text(1)));
  }
  return owners;
}

absl::StatusOr<std::map<std::string, FoundToken>> PgHydra::FindTokens(
    absl::Time deadline, const std::vector<std::string>& signatures) {
  ASSIGN_OR_RETURN(const db::Result rows, Read(deadline, kFindTokens, {db::TextArray{signatures}}));
  std::map<std::string, FoundToken> found;
  for (const db::Row row : rows) {
    found[std::string(row.Text(0))] = {.client_id = std::string(row.Text(1)),
                                       .subject = std::string(row.Text(2)),
                                       .scopes = SplitBars(row.Text(3)),
                                       .audience = SplitBars(row.Text(4)),
                                       .session_data = std::string(row.Text(5)),
                                       .request_id = std::string(row.Text(6)),
                                       .requested_at_ms = row.Int64(8) / 1000,
                                       .active = row.Bool(7)};
  }
  return found;
}

absl::StatusOr<std::multimap<std::string, std::string>> PgHydra::FindReplaced(
    absl::Time deadline, const std::vector<std::string>& request_ids) {
  ASSIGN_OR_RETURN(const db::Result rows,
                   Read(deadline, kFindReplaced, {db::TextArray{request_ids}}));
  std::multimap<std::string, std::string> replaced;
  for (const db::Row row : rows) {
    replaced.emplace(std::string(row.Text(0)), std::string(row.Text(1)));
  }
  return replaced;
}

}  // namespace gatehouse::oauth::hydra
