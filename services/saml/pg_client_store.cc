#include "services/saml/pg_client_store.h"

#include <utility>

#include "libs/base/json.h"
#include "libs/base/status.h"
#include "libs/db/database.h"

namespace gatehouse::saml {
namespace {

using db::Statement;
using json::Value;

// In all statements: $1 app, $2 tenant. By the primary keys, unless they say otherwise.

// $3 to $11: the client, $12 now, $13 and $14: what is ours. An update comes later than the one
// before, also by another instance's clock, so that our row is never taken for that of another one.
constexpr Statement kPut = {
    "saml_put_client",
    "WITH client AS ("
    " INSERT INTO {saml_clients} AS c (app_id, tenant_id, client_id, client_secret, sso_login_url,"
    "  redirect_uris, default_redirect_uri, idp_entity_id, idp_signing_certificate,"
    "  allow_idp_initiated_login, enable_request_signing, created_at, updated_at)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12)"
    " ON CONFLICT (app_id, tenant_id, client_id) DO UPDATE SET"
    "  client_secret = EXCLUDED.client_secret, sso_login_url = EXCLUDED.sso_login_url,"
    "  redirect_uris = EXCLUDED.redirect_uris,"
    "  default_redirect_uri = EXCLUDED.default_redirect_uri,"
    "  idp_entity_id = EXCLUDED.idp_entity_id,"
    "  idp_signing_certificate = EXCLUDED.idp_signing_certificate,"
    "  allow_idp_initiated_login = EXCLUDED.allow_idp_initiated_login,"
    "  enable_request_signing = EXCLUDED.enable_request_signing,"
    "  updated_at = GREATEST(EXCLUDED.updated_at, c.updated_at + 1)"
    " RETURNING app_id, tenant_id, client_id, updated_at)"
    " INSERT INTO {gatehouse_saml_clients} (app_id, tenant_id, client_id, updated_at,"
    "  idp_signing_certificates, options)"
    " SELECT app_id, tenant_id, client_id, updated_at, $13, $14 FROM client"
    " ON CONFLICT (app_id, tenant_id, client_id) DO UPDATE SET updated_at = EXCLUDED.updated_at,"
    "  idp_signing_certificates = EXCLUDED.idp_signing_certificates,"
    "  options = EXCLUDED.options"};

#define GATEHOUSE_SAML_CLIENT_SQL                                                       \
  "SELECT c.client_id, c.client_secret, c.sso_login_url, c.redirect_uris,"              \
  " c.default_redirect_uri, c.idp_entity_id, c.idp_signing_certificate,"                \
  " c.allow_idp_initiated_login, c.enable_request_signing, o.idp_signing_certificates," \
  " o.options, c.created_at FROM {saml_clients} c LEFT JOIN {gatehouse_saml_clients} o" \
  " ON o.app_id = c.app_id AND o.tenant_id = c.tenant_id AND o.client_id = c.client_id" \
  " AND o.updated_at = c.updated_at WHERE c.app_id = $1 AND c.tenant_id = $2"

constexpr Statement kList = {"saml_list_clients", GATEHOUSE_SAML_CLIENT_SQL
                             " ORDER BY c.created_at, c.client_id COLLATE \"C\""};
// $3 id.
constexpr Statement kFind = {"saml_find_client", GATEHOUSE_SAML_CLIENT_SQL " AND c.client_id = $3"};
// $3 entity id. By saml_clients_idp_entity_id_key.
constexpr Statement kFindByProvider = {"saml_find_client_by_provider",
                                       GATEHOUSE_SAML_CLIENT_SQL " AND c.idp_entity_id = $3"};
#undef GATEHOUSE_SAML_CLIENT_SQL

// $3 id.
constexpr Statement kRemove = {
    "saml_remove_client",
    "DELETE FROM {saml_clients} WHERE app_id = $1 AND tenant_id = $2 AND client_id = $3"};
// $3 id. Codes live minutes: a tenant has few, all of them by saml_claims_app_id_tenant_id_index.
constexpr Statement kRemoveCodes = {
    "saml_remove_codes",
    "DELETE FROM {saml_claims} WHERE app_id = $1 AND tenant_id = $2 AND client_id = $3"};

constexpr const char* kAnyRequest = "anyRequest";
constexpr const char* kAnyDestination = "anyDestination";
constexpr const char* kWeakAlgorithms = "weakAlgorithms";
constexpr const char* kClockDrift = "clockDrift";
constexpr const char* kAcsUrls = "acsURLs";
constexpr const char* kSignInQuery = "signInQuery";
constexpr const char* kPostRequests = "postRequests";

Value WriteTexts(const std::vector<std::string>& texts) {
  Value array = Value::Array();
  for (const std::string& one : texts) array.Append(one);
  return array;
}

std::vector<std::string> ReadTexts(const Value& array) {
  std::vector<std::string> texts;
  for (const Value& one : array.elements()) texts.emplace_back(one.AsString().value_or(""));
  return texts;
}

std::string WriteOptions(const Client& client) {
  const Leniencies& leniencies = client.leniencies;
  return Serialize(Value::Object({{kAnyRequest, leniencies.any_request},
                                  {kAnyDestination, leniencies.any_destination},
                                  {kWeakAlgorithms, leniencies.weak_algorithms},
                                  {kClockDrift, leniencies.clock_drift},
                                  {kAcsUrls, WriteTexts(client.acs_urls)},
                                  {kSignInQuery, client.sign_in_query},
                                  {kPostRequests, client.post_requests}}));
}

void ReadOptions(std::string_view text, Client& client) {
  const auto options = json::Parse(text);
  if (!options.ok()) return;
  const auto is_set = [&](const char* name) {
    const Value* value = options->Find(name);
    return value != nullptr && value->AsBool().value_or(false);
  };
  client.leniencies = {is_set(kAnyRequest), is_set(kAnyDestination), is_set(kWeakAlgorithms),
                       is_set(kClockDrift)};
  client.sign_in_query = is_set(kSignInQuery);
  client.post_requests = is_set(kPostRequests);
  if (const Value* urls = options->Find(kAcsUrls)) client.acs_urls = ReadTexts(*urls);
}

Client ReadClient(const db::Row& row) {
  Client client;
  client.client_id = std::string(row.Text(0));
  client.client_secret = row.OptText(1);
  client.sso_location = std::string(row.Text(2));
  client.redirect_uris_json = std::string(row.Text(3));
  client.default_redirect_uri = std::string(row.Text(4));
  client.idp_entity_id = std::string(row.Text(5));
  client.idp_signing_certificates = {std::string(row.Text(6))};
  client.allow_idp_initiated_login = row.Bool(7);
  client.enable_request_signing = row.Bool(8);
  // A client that a core of the original wrote has one certificate and no leniency.
  if (const auto all = json::Parse(row.OptText(9).value_or("")); all.ok() && all->size() > 0) {
    client.idp_signing_certificates = ReadTexts(*all);
  }
  if (const auto options = row.OptText(10)) ReadOptions(*options, client);
  client.created_ms = row.Int64(11);
  return client;
}

}  // namespace

absl::StatusOr<bool> PgClientStore::Put(const Where& tenant, const Client& client, int64_t now_ms) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*tenant.tenant));
  db::Params params(tenant.app_id(), tenant.tenant_id(), client.client_id, client.client_secret,
                    client.sso_location, client.redirect_uris_json, client.default_redirect_uri,
                    client.idp_entity_id, client.idp_signing_certificates.front(),
                    client.allow_idp_initiated_login, client.enable_request_signing, now_ms,
                    Serialize(WriteTexts(client.idp_signing_certificates)), WriteOptions(client));
  const absl::Status status = database->Execute(tenant.deadline, kPut, params).status();
  if (db::ViolatesConstraint(status, "saml_clients_idp_entity_id_key")) return false;
  if (db::ViolatesConstraint(status, "saml_clients_tenant_id_fkey") ||
      db::ViolatesConstraint(status, "saml_clients_app_id_fkey")) {
    return tenancy::TenantNotFound(tenant.tenant->scope());
  }
  RETURN_IF_ERROR(status);
  return true;
}

absl::StatusOr<std::vector<Client>> PgClientStore::List(const Where& tenant) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*tenant.tenant));
  ASSIGN_OR_RETURN(const db::Result rows, database->Execute(tenant.deadline, kList,
                                                            {tenant.app_id(), tenant.tenant_id()}));
  std::vector<Client> clients;
  for (const db::Row row : rows) clients.push_back(ReadClient(row));
  return clients;
}

absl::StatusOr<std::optional<Client>> PgClientStore::Find(const Where& tenant,
                                                          std::string_view client_id) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*tenant.tenant));
  ASSIGN_OR_RETURN(
      const db::Result rows,
      database->Execute(tenant.deadline, kFind, {tenant.app_id(), tenant.tenant_id(), client_id}));
  if (rows.empty()) return std::nullopt;
  return ReadClient(rows.front());
}

absl::StatusOr<std::optional<Client>> PgClientStore::FindByProvider(
    const Where& tenant, std::string_view idp_entity_id) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*tenant.tenant));
  ASSIGN_OR_RETURN(const db::Result rows,
                   database->Execute(tenant.deadline, kFindByProvider,
                                     {tenant.app_id(), tenant.tenant_id(), idp_entity_id}));
  if (rows.empty()) return std::nullopt;
  return ReadClient(rows.front());
}

absl::StatusOr<bool> PgClientStore::Remove(const Where& tenant, std::string_view client_id) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*tenant.tenant));
  const db::Params id = {tenant.app_id(), tenant.tenant_id(), client_id};
  bool did_exist = false;
  // In this order: a login that ends meanwhile holds the client's row until its code can be seen.
  RETURN_IF_ERROR(
      database->Transact(tenant.deadline, [&](db::Transaction& transaction) -> absl::Status {
        ASSIGN_OR_RETURN(const db::Result removed, transaction.Execute(kRemove, id));
        did_exist = removed.affected() > 0;
        return transaction.Execute(kRemoveCodes, id).status();
      }));
  return did_exist;
}

}  // namespace gatehouse::saml
