#include "services/oauth/hydra/pg_import.h"

#include <algorithm>

#include "google/protobuf/util/time_util.h"
#include "libs/base/json.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/crypto/digest.h"
#include "services/oauth/client_rules.h"
#include "services/oauth/client_secrets.h"
#include "services/oauth/pg_client_store.h"
#include "services/oauth/pg_flow_store.h"

namespace gatehouse::oauth::hydra {
namespace {

using db::Statement;
using google::protobuf::util::TimeUtil;

// Rows at a time: some hundred kilobytes in memory, and short transactions.
constexpr int64_t kPage = 500;

// A dry run may find an older core's tables.
constexpr Statement kTables = {"oauth_import_tables",
                               "SELECT to_regclass('{oauth_clients}') IS NOT NULL AND"
                               " to_regclass('{oauth_sessions}') IS NOT NULL,"
                               " to_regclass('{gatehouse_oauth_clients}') IS NOT NULL AND"
                               " to_regclass('{gatehouse_oauth_grants}') IS NOT NULL"};

// By oauth_clients_pkey, in its order, and gatehouse_oauth_clients_pkey. The secret's column is not
// in all older tables.
constexpr Statement kListClients = {
    "oauth_import_list_clients",
    "SELECT c.app_id, c.client_id, to_jsonb(c) ->> 'client_secret', m.client_id IS NOT NULL"
    " FROM {oauth_clients} c LEFT JOIN {gatehouse_oauth_clients} m"
    " ON m.app_id = c.app_id AND m.client_id = c.client_id"
    " WHERE (c.app_id, c.client_id) > ($1, $2) ORDER BY c.app_id, c.client_id LIMIT $3"};
constexpr Statement kListOlderClients = {
    "oauth_import_list_older_clients",
    "SELECT c.app_id, c.client_id, to_jsonb(c) ->> 'client_secret', FALSE FROM {oauth_clients} c"
    " WHERE (c.app_id, c.client_id) > ($1, $2) ORDER BY c.app_id, c.client_id LIMIT $3"};

// Nothing if the client is gone, or has been PUT meanwhile.
constexpr Statement kWriteClient = {
    "oauth_import_client",
    "INSERT INTO {gatehouse_oauth_clients}"
    " (app_id, client_id, client_name, created_at_s, updated_at_us, settings)"
    " SELECT app_id, client_id, $3, $4, $5, $6 FROM {oauth_clients}"
    " WHERE app_id = $1 AND client_id = $2 ON CONFLICT DO NOTHING"};

// By oauth_sessions_pkey, in its order, and for each row gatehouse_oauth_grants_pkey: as a join
// (NOT EXISTS) each page would walk over all grants before it, once there are statistics.
#define GATEHOUSE_OAUTH_LIVE_SESSIONS                                                        \
  "SELECT s.gid, s.app_id, s.client_id, s.external_refresh_token, s.internal_refresh_token," \
  " s.exp FROM {oauth_sessions} s"                                                           \
  " WHERE s.gid > $1 AND s.external_refresh_token IS NOT NULL AND s.exp > $2"
constexpr Statement kListSessions = {
    "oauth_import_list_sessions", GATEHOUSE_OAUTH_LIVE_SESSIONS
    " AND (SELECT TRUE FROM {gatehouse_oauth_grants} g WHERE g.gid = s.gid) IS NULL"
    " ORDER BY s.gid LIMIT $3"};
constexpr Statement kListOlderSessions = {"oauth_import_list_older_sessions",
                                          GATEHOUSE_OAUTH_LIVE_SESSIONS " ORDER BY s.gid LIMIT $3"};

// Nothing for grants that have ended meanwhile.
constexpr Statement kWriteGrants = {
    "oauth_import_grants",
    "INSERT INTO {gatehouse_oauth_grants} (gid, grant_json, refreshed_at, expires_at)"
    " SELECT s.gid, t.grant_json, t.refreshed_at, t.expires_at"
    " FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[])"
    " AS t (gid, grant_json, refreshed_at, expires_at)"
    " JOIN {oauth_sessions} s ON s.gid = t.gid ON CONFLICT DO NOTHING"};
constexpr Statement kWriteReplaced = {
    "oauth_import_replaced_tokens",
    "INSERT INTO {gatehouse_oauth_rotated_tokens} (app_id, token_hash, gid, expires_at)"
    " SELECT s.app_id, t.token_hash, s.gid, t.expires_at"
    " FROM unnest($1::text[], $2::text[], $3::bigint[]) AS t (token_hash, gid, expires_at)"
    " JOIN {oauth_sessions} s ON s.gid = t.gid ON CONFLICT DO NOTHING"};

constexpr std::string_view kEnded = "have ended in Hydra";

// What Hydra knows a token by.
std::string SignatureOf(std::string_view token) {
  const size_t dot = token.rfind('.');
  return dot == std::string_view::npos ? "" : std::string(token.substr(dot + 1));
}

db::TextArray Numbers(const std::vector<int64_t>& numbers) {
  db::TextArray texts;
  for (const int64_t number : numbers) texts.values.push_back(std::to_string(number));
  return texts;
}

std::string TextOf(const absl::Status& status) { return std::string(status.message()); }

std::string NameOf(std::string_view app_id, std::string_view client_id) {
  return StrCat("OAuth client ", client_id, " of app ", app_id);
}

}  // namespace

struct Import::OwnClient {
  std::string app_id;
  std::string client_id;
  std::optional<std::string> secret;  // encrypted
};

struct Import::OwnSession {
  std::string gid;
  std::string app_id;
  std::string client_id;
  std::string signature;  // of the token that Hydra knows
  bool rotates = false;   // that is the one that the client has
  int64_t expires_at_s = 0;
};

// A row of gatehouse_oauth_grants.
struct Import::OwnGrant {
  std::string json;
  int64_t refreshed_at_ms = 0;
  int64_t expires_at_ms = 0;
};

absl::StatusOr<std::unique_ptr<Import>> Import::Open(
    const std::string& dsn, std::string_view secrets,
    std::shared_ptr<const config::CoreConfig> config, bool dry_run, absl::Time deadline) {
  ASSIGN_OR_RETURN(std::unique_ptr<PgHydra> hydra, PgHydra::Open(dsn, deadline));
  return std::unique_ptr<Import>(
      new Import(std::move(hydra), SystemSecrets::Read(secrets), std::move(config), dry_run));
}

absl::StatusOr<int64_t> Import::Take(db::Database& database, absl::Time deadline,
                                     const Progress& progress) {
  ASSIGN_OR_RETURN(const db::Result found, database.Execute(deadline, kTables));
  const Tables tables = {.clients = found.front().Bool(0), .ours = found.front().Bool(1)};
  if (!tables.clients) return 0;
  if (!tables.ours && !dry_run_) return absl::InternalError("the tables are not up to date");
  ASSIGN_OR_RETURN(const int64_t clients, TakeClients(database, tables, deadline, progress));
  ASSIGN_OR_RETURN(const int64_t tokens, TakeTokens(database, tables, deadline, progress));
  return clients + tokens;
}

absl::StatusOr<int64_t> Import::TakeClients(db::Database& database, const Tables& tables,
                                            absl::Time deadline, const Progress& progress) {
  int64_t left = 0;
  std::string app_id;
  std::string client_id;
  const Statement& list = tables.ours ? kListClients : kListOlderClients;
  while (true) {
    ASSIGN_OR_RETURN(const db::Result rows,
                     database.Execute(deadline, list, {app_id, client_id, kPage}));
    std::vector<OwnClient> clients;
    std::vector<std::string> ids;
    for (const db::Row row : rows) {
      app_id = row.Text(0);
      client_id = row.Text(1);
      known_ids_.insert(client_id);
      if (row.Bool(3)) continue;
      clients.push_back({app_id, client_id, row.OptText(2)});
      ids.push_back(client_id);
    }
    if (!ids.empty()) {
      ASSIGN_OR_RETURN(const auto found, hydra_->FindClients(deadline, ids));
      for (const OwnClient& own : clients) {
        const auto at = found.find(own.client_id);
        const absl::StatusOr<v1::Client> client =
            at == found.end() ? absl::InvalidArgumentError("Hydra does not have it") : at->second;
        ASSIGN_OR_RETURN(const std::string problem, TakeClient(database, deadline, own, client));
        if (!problem.empty()) {
          ++left;
          progress(StrCat(NameOf(own.app_id, own.client_id), " ", problem));
        } else if (dry_run_) {
          progress(StrCat(NameOf(own.app_id, own.client_id), " would be taken"));
        }
      }
    }
    if (rows.rows() < kPage) return left;
  }
}

absl::StatusOr<std::string> Import::TakeClient(db::Database& database, absl::Time deadline,
                                               const OwnClient& own,
                                               const absl::StatusOr<v1::Client>& found) {
  const auto refuse = [](std::string_view why) { return StrCat("is not taken: ", why); };
  if (!found.ok()) return refuse(TextOf(found.status()));
  v1::Client client = *found;
  if (client.token_endpoint_auth_method() == "private_key_jwt") {
    return refuse("it authenticates by private_key_jwt, which is not supported");
  }
  if (const auto refused = PrepareClient(client)) return refuse(refused->description());
  const absl::StatusOr<std::string> settings = ClientSettings(client);
  if (!settings.ok()) return refuse(TextOf(settings.status()));
  if (!dry_run_) {
    RETURN_IF_ERROR(
        database
            .Execute(deadline, kWriteClient,
                     {own.app_id, own.client_id, client.client_name(),
                      TimeUtil::TimestampToSeconds(client.created_at()),
                      TimeUtil::TimestampToMicroseconds(client.updated_at()), *settings})
            .status());
  }
  ++clients_;
  return CheckSecret(own, client);
}

std::string Import::CheckSecret(const OwnClient& own, const v1::Client& client) const {
  if (IsPublic(client)) return "";
  if (!own.secret.has_value()) {
    return "is taken, but its secret is not in the core's table, and Hydra has only its hash: PUT "
           "it with its clientSecret";
  }
  if (DecryptClientSecret(*config_, *own.secret).ok()) return "";
  return "is taken, but can't authenticate: its secret was encrypted with another "
         "oauth_client_secret_encryption_key than the configured one";
}

absl::StatusOr<int64_t> Import::TakeTokens(db::Database& database, const Tables& tables,
                                           absl::Time deadline, const Progress& progress) {
  LeftTokens left;
  std::string gid;
  const Statement& list = tables.ours ? kListSessions : kListOlderSessions;
  int64_t named = 0;
  while (true) {
    ASSIGN_OR_RETURN(
        const db::Result rows,
        database.Execute(deadline, list, {gid, absl::ToUnixSeconds(absl::Now()), kPage}));
    std::vector<OwnSession> sessions;
    for (const db::Row row : rows) {
      gid = row.Text(0);
      const bool rotates = row.IsNull(4);
      sessions.push_back({.gid = gid,
                          .app_id = std::string(row.Text(1)),
                          .client_id = std::string(row.Text(2)),
                          .signature = SignatureOf(row.Text(rotates ? 3 : 4)),
                          .rotates = rotates,
                          .expires_at_s = row.Int64(5)});
    }
    if (!sessions.empty()) {
      RETURN_IF_ERROR(TakePage(database, deadline, sessions, left, [&](std::string_view text) {
        ++named;
        progress(text);
      }));
    }
    if (rows.rows() < kPage) break;
  }
  for (const auto& [what, count] : left) {
    const auto& [client, why] = what;
    // These are no loss.
    if (why != kEnded) named += count;
    progress(StrCat("refresh tokens of ", client, " not taken: ", std::to_string(count), " ", why));
  }
  return named;
}

absl::StatusOr<Import::OwnGrant> Import::ReadToken(const OwnSession& own, const FoundToken* token,
                                                   int64_t now_s) const {
  if (token == nullptr || !token->active) return absl::NotFoundError("");
  ASSIGN_OR_RETURN(Session session, ReadSession(token->session_data, secrets_));
  v1::Grant& grant = session.grant;
  if (grant.subject().empty()) grant.set_subject(token->subject);
  if (session.expires_at_s == 0) session.expires_at_s = own.expires_at_s;
  const auto valid = [](const std::vector<std::string>& words) {
    return std::all_of(words.begin(), words.end(), json::IsValidUtf8);
  };
  if (token->client_id != own.client_id) {
    return absl::InvalidArgumentError("Hydra has it for another client");
  }
  if (grant.gid() != own.gid) return absl::InvalidArgumentError("Hydra has it for another grant");
  if (grant.subject().empty() || !json::IsValidUtf8(grant.subject())) {
    return absl::InvalidArgumentError("it has no valid subject");
  }
  if (session.expires_at_s <= now_s) return absl::NotFoundError("");
  if (!valid(token->scopes) || !valid(token->audience)) {
    return absl::InvalidArgumentError("its scope is not UTF-8");
  }
  grant.set_client_id(own.client_id);
  grant.mutable_scopes()->Add(token->scopes.begin(), token->scopes.end());
  grant.mutable_audience()->Add(token->audience.begin(), token->audience.end());
  const absl::StatusOr<std::string> json = ToDocument(grant);
  if (!json.ok()) return absl::InvalidArgumentError(json.status().message());
  return OwnGrant{.json = *json,
                  .refreshed_at_ms = token->requested_at_ms,
                  .expires_at_ms = session.expires_at_s * 1000};
}

absl::Status Import::TakePage(db::Database& database, absl::Time deadline,
                              const std::vector<OwnSession>& sessions, LeftTokens& left,
                              const Progress& progress) {
  std::vector<std::string> signatures;
  for (const OwnSession& own : sessions) signatures.push_back(own.signature);
  ASSIGN_OR_RETURN(const auto found, hydra_->FindTokens(deadline, signatures));
  const int64_t now_s = absl::ToUnixSeconds(absl::Now());

  db::TextArray gids;
  db::TextArray grants;
  std::vector<int64_t> refreshed;
  std::vector<int64_t> expiries;
  // Requests of tokens that their clients have replaced before.
  std::map<std::string, size_t> rotating;
  for (const OwnSession& own : sessions) {
    const auto at = found.find(own.signature);
    const FoundToken* const token = at == found.end() ? nullptr : &at->second;
    const absl::StatusOr<OwnGrant> grant = ReadToken(own, token, now_s);
    const std::string client = NameOf(own.app_id, own.client_id);
    if (absl::IsInvalidArgument(grant.status())) {
      progress(StrCat("refresh token of grant ", own.gid, " of ", client,
                      " is not taken: ", TextOf(grant.status())));
    } else if (absl::IsNotFound(grant.status())) {
      ++left[{client, std::string(kEnded)}];
    } else if (!grant.ok()) {
      ++left[{client, StrCat("can't be read: ", TextOf(grant.status()))}];
    } else {
      if (own.rotates) rotating.emplace(token->request_id, gids.values.size());
      gids.values.push_back(own.gid);
      grants.values.push_back(grant->json);
      refreshed.push_back(grant->refreshed_at_ms);
      expiries.push_back(grant->expires_at_ms);
    }
  }
  if (gids.values.empty()) return absl::OkStatus();
  tokens_ += static_cast<int64_t>(gids.values.size());
  if (dry_run_) return absl::OkStatus();

  db::TextArray replaced_hashes;
  db::TextArray replaced_gids;
  std::vector<int64_t> replaced_expiries;
  if (!rotating.empty()) {
    std::vector<std::string> requests;
    for (const auto& [request, index] : rotating) requests.push_back(request);
    ASSIGN_OR_RETURN(const auto replaced, hydra_->FindReplaced(deadline, requests));
    for (const auto& [request, signature] : replaced) {
      const auto at = rotating.find(request);
      if (at == rotating.end()) continue;
      replaced_hashes.values.push_back(crypto::Sha256Hex(signature));
      replaced_gids.values.push_back(gids.values[at->second]);
      replaced_expiries.push_back(expiries[at->second]);
    }
  }
  return database.Transact(deadline, [&](db::Transaction& transaction) -> absl::Status {
    RETURN_IF_ERROR(
        transaction.Execute(kWriteGrants, {gids, grants, Numbers(refreshed), Numbers(expiries)})
            .status());
    if (replaced_hashes.values.empty()) return absl::OkStatus();
    return transaction
        .Execute(kWriteReplaced, {replaced_hashes, replaced_gids, Numbers(replaced_expiries)})
        .status();
  });
}

absl::StatusOr<int64_t> Import::Finish(absl::Time deadline, const Progress& progress) {
  int64_t left = 0;
  std::string after;
  while (true) {
    ASSIGN_OR_RETURN(const auto owners, hydra_->ListOwners(deadline, after, kPage));
    for (const auto& [id, owner] : owners) {
      after = id;
      if (known_ids_.contains(id)) continue;
      ++left;
      progress(StrCat("Hydra's client ", id, " is not taken: no app here has it (owner ",
                      owner.empty() ? "none" : owner, ")"));
    }
    if (static_cast<int64_t>(owners.size()) < kPage) break;
  }
  progress(StrCat(dry_run_ ? "Would take" : "Taken", " from Hydra: ", std::to_string(clients_),
                  clients_ == 1 ? " client, " : " clients, ", std::to_string(tokens_),
                  tokens_ == 1 ? " refresh token." : " refresh tokens."));
  return left;
}

}  // namespace gatehouse::oauth::hydra
