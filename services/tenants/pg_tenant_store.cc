#include "services/tenants/pg_tenant_store.h"

#include <array>
#include <cstdint>
#include <random>

#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/tenancy/tenant_directory.h"
#include "services/tenants/pg_tenant_rows.h"

namespace gatehouse::tenants {
namespace {

using db::Statement;

constexpr std::string_view kPublic = "public";

// Index: tenant_configs_pkey, and those of the factor tables' tenant ids.
constexpr Statement kAll = {"tenants_all",
                            "SELECT " GATEHOUSE_TENANT_COLUMNS "FROM {tenant_configs} c "
                            "ORDER BY c.connection_uri_domain, c.app_id, c.tenant_id"};
// Index: tenant_configs_pkey.
constexpr Statement kGet = {
    "tenants_get", "SELECT " GATEHOUSE_TENANT_COLUMNS "FROM {tenant_configs} c "
                   "WHERE c.connection_uri_domain = $1 AND c.app_id = $2 AND c.tenant_id = $3"};
constexpr Statement kListApp = {
    "tenants_list_app", "SELECT " GATEHOUSE_TENANT_COLUMNS "FROM {tenant_configs} c "
                        "WHERE c.connection_uri_domain = $1 AND c.app_id = $2 ORDER BY c.tenant_id"};
constexpr Statement kListDomain = {
    "tenants_list_domain", "SELECT " GATEHOUSE_TENANT_COLUMNS "FROM {tenant_configs} c "
                           "WHERE c.connection_uri_domain = $1 ORDER BY c.app_id, c.tenant_id"};

// Index: tenant_thirdparty_providers_pkey and ..._clients_pkey.
constexpr Statement kProviders = {
    "tenants_providers",
    "SELECT " GATEHOUSE_PROVIDER_COLUMNS "FROM {tenant_thirdparty_providers} p "
    "WHERE p.connection_uri_domain = $1 AND p.app_id = $2 AND p.tenant_id = $3 ORDER BY p.third_party_id"};
constexpr Statement kListProviders = {
    "tenants_list_providers",
    "SELECT p.connection_uri_domain, p.app_id, p.tenant_id, " GATEHOUSE_PROVIDER_COLUMNS
    "FROM {tenant_thirdparty_providers} p "
    "WHERE ($1::varchar IS NULL OR p.connection_uri_domain = $1) "
    "AND ($2::varchar IS NULL OR p.app_id = $2) AND ($3::varchar IS NULL OR p.tenant_id = $3) "
    "ORDER BY p.third_party_id"};

// One statement for app and tenant: foreign keys are checked at its end.
constexpr Statement kAddAppRows = {
    "tenants_add_app_rows",
    "WITH app AS (INSERT INTO {apps} (app_id, created_at_time) VALUES ($1::varchar, $3::bigint) "
    "ON CONFLICT DO NOTHING) "
    "INSERT INTO {tenants} (app_id, tenant_id, created_at_time) "
    "VALUES ($1::varchar, $2, $3::bigint) ON CONFLICT DO NOTHING"};
constexpr Statement kAddTenantRow = {
    "tenants_add_tenant_row",
    "INSERT INTO {tenants} (app_id, tenant_id, created_at_time) VALUES ($1, $2, $3) "
    "ON CONFLICT DO NOTHING"};
constexpr Statement kRemoveAppRows = {"tenants_remove_app_rows",
                                      "DELETE FROM {apps} WHERE app_id = $1"};
constexpr Statement kRemoveTenantRow = {
    "tenants_remove_tenant_row", "DELETE FROM {tenants} WHERE app_id = $1 AND tenant_id = $2"};

constexpr Statement kInsertBase = {
    "tenants_insert_base",
    "INSERT INTO {tenant_configs} (connection_uri_domain, app_id, tenant_id, core_config, "
    "email_password_enabled, passwordless_enabled, third_party_enabled, is_first_factors_null) "
    "VALUES ('', 'public', 'public', '{}', TRUE, TRUE, TRUE, TRUE) ON CONFLICT DO NOTHING"};
constexpr Statement kInsert = {
    "tenants_insert",
    "INSERT INTO {tenant_configs} (connection_uri_domain, app_id, tenant_id, core_config, "
    "email_password_enabled, third_party_enabled, passwordless_enabled, is_first_factors_null) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"};
constexpr Statement kUpdate = {
    "tenants_update",
    "UPDATE {tenant_configs} SET core_config = $4, email_password_enabled = $5, "
    "third_party_enabled = $6, passwordless_enabled = $7, is_first_factors_null = $8 "
    "WHERE connection_uri_domain = $1 AND app_id = $2 AND tenant_id = $3"};

constexpr Statement kClearFactors = {
    "tenants_clear_factors",
    "WITH first AS (DELETE FROM {tenant_first_factors} WHERE connection_uri_domain = $1::varchar "
    "AND app_id = $2::varchar AND tenant_id = $3::varchar) "
    "DELETE FROM {tenant_required_secondary_factors} WHERE connection_uri_domain = $1::varchar "
    "AND app_id = $2::varchar AND tenant_id = $3::varchar"};
constexpr Statement kAddFirstFactors = {
    "tenants_add_first_factors",
    "INSERT INTO {tenant_first_factors} (connection_uri_domain, app_id, tenant_id, factor_id) "
    "SELECT $1::varchar, $2::varchar, $3::varchar, f.id FROM unnest($4::varchar[]) AS f (id)"};
constexpr Statement kAddSecondaryFactors = {
    "tenants_add_secondary_factors",
    "INSERT INTO {tenant_required_secondary_factors} "
    "(connection_uri_domain, app_id, tenant_id, factor_id) "
    "SELECT $1::varchar, $2::varchar, $3::varchar, f.id FROM unnest($4::varchar[]) AS f (id)"};

// Clients go by cascade.
constexpr Statement kRemoveProvider = {
    "tenants_remove_provider",
    "DELETE FROM {tenant_thirdparty_providers} WHERE connection_uri_domain = $1 AND app_id = $2 "
    "AND tenant_id = $3 AND third_party_id = $4"};
constexpr Statement kInsertProvider = {
    "tenants_insert_provider",
    "INSERT INTO {tenant_thirdparty_providers} (connection_uri_domain, app_id, tenant_id, "
    "third_party_id, name, authorization_endpoint, authorization_endpoint_query_params, "
    "token_endpoint, token_endpoint_body_params, user_info_endpoint, "
    "user_info_endpoint_query_params, user_info_endpoint_headers, jwks_uri, "
    "oidc_discovery_endpoint, require_email, user_info_map_from_id_token_payload_user_id, "
    "user_info_map_from_id_token_payload_email, "
    "user_info_map_from_id_token_payload_email_verified, "
    "user_info_map_from_user_info_endpoint_user_id, user_info_map_from_user_info_endpoint_email, "
    "user_info_map_from_user_info_endpoint_email_verified) VALUES ($1, $2, $3, $4, $5, $6, $7, "
    "$8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)"};
constexpr Statement kInsertClient = {
    "tenants_insert_client",
    "INSERT INTO {tenant_thirdparty_provider_clients} (connection_uri_domain, app_id, tenant_id, "
    "third_party_id, client_type, client_id, client_secret, scope, force_pkce, "
    "additional_config) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"};

// Index: tenant_configs_pkey.
constexpr Statement kTenantIds = {
    "tenants_ids_of_app", "SELECT tenant_id FROM {tenant_configs} "
                          "WHERE connection_uri_domain = $1 AND app_id = $2"};
constexpr Statement kAppIds = {
    "tenants_apps_of_domain",
    "SELECT DISTINCT app_id FROM {tenant_configs} WHERE connection_uri_domain = $1"};
constexpr Statement kDeleteTenant = {
    "tenants_delete_tenant", "DELETE FROM {tenant_configs} WHERE connection_uri_domain = $1 "
                             "AND app_id = $2 AND tenant_id = $3"};
constexpr Statement kDeleteApp = {
    "tenants_delete_app",
    "DELETE FROM {tenant_configs} WHERE connection_uri_domain = $1 AND app_id = $2"};
constexpr Statement kDeleteDomain = {
    "tenants_delete_domain", "DELETE FROM {tenant_configs} WHERE connection_uri_domain = $1"};

// Changes of one app wait for each other; those of other apps don't. The second key is the one that
// a SuperTokens core beside us locks when it overwrites the app's public tenant.
constexpr Statement kLockApp = {
    "tenants_lock_app",
    "SELECT pg_advisory_xact_lock_shared(hashtext('gatehouse-domain~' || $1::text)), "
    "pg_advisory_xact_lock(hashtext($1::text || '~' || $2::text || '~public'))"};
constexpr Statement kLockDomain = {
    "tenants_lock_domain",
    "SELECT pg_advisory_xact_lock(hashtext('gatehouse-domain~' || $1::text))"};
constexpr Statement kNotify = {"tenants_notify", "SELECT pg_notify($1, $2)"};

// A tenant that goes while its app's or tenant's rows are written.
absl::Status AsTenantNotFound(const absl::Status& status, const common::v1::Scope& scope) {
  return db::ViolatesConstraint(status, "_fkey") ? tenancy::TenantNotFound(scope) : status;
}

db::Params NameParams(const common::v1::Scope& scope) {
  return {scope.connection_uri_domain(), scope.app_id(), scope.tenant_id()};
}

// The same in every process, whatever its build.
uint64_t Fnv1a(std::string_view text) {
  uint64_t hash = 14695981039346656037u;
  for (const unsigned char c : text) hash = (hash ^ c) * 1099511628211u;
  return hash;
}

std::string Hex(uint64_t value) {
  std::string text;
  for (int shift = 60; shift >= 0; shift -= 4) text += "0123456789abcdef"[(value >> shift) & 15];
  return text;
}

uint64_t RandomNumber() {
  std::random_device device;
  return (static_cast<uint64_t>(device()) << 32) | device();
}

class PgTenantChange final : public TenantChange {
 public:
  explicit PgTenantChange(db::Transaction& transaction) : transaction_(transaction) {}

  absl::StatusOr<std::optional<v1::Tenant>> Get(const common::v1::Scope& scope) override {
    ASSIGN_OR_RETURN(db::Result result, transaction_.Execute(kGet, NameParams(scope)));
    if (result.empty()) return std::nullopt;
    return ReadTenant(result.front());
  }

  absl::StatusOr<std::vector<v1::ThirdPartyProvider>> Providers(
      const common::v1::Scope& scope) override {
    ASSIGN_OR_RETURN(db::Result result, transaction_.Execute(kProviders, NameParams(scope)));
    std::vector<v1::ThirdPartyProvider> providers;
    for (const db::Row row : result) providers.push_back(ReadProvider(row, 0));
    return providers;
  }

  absl::Status AddRows(const common::v1::Scope& scope, int64_t now_ms) override {
    const Statement& statement = scope.tenant_id() == kPublic ? kAddAppRows : kAddTenantRow;
    auto result = transaction_.Execute(statement, {scope.app_id(), scope.tenant_id(), now_ms});
    return AsTenantNotFound(result.status(), scope);
  }

  absl::Status Insert(const v1::Tenant& tenant) override {
    RETURN_IF_ERROR(transaction_.Execute(kInsert, TenantParams(tenant)).status());
    return AddFactors(tenant);
  }

  absl::Status Update(const v1::Tenant& tenant) override {
    RETURN_IF_ERROR(transaction_.Execute(kUpdate, TenantParams(tenant)).status());
    RETURN_IF_ERROR(transaction_.Execute(kClearFactors, NameParams(tenant.scope())).status());
    return AddFactors(tenant);
  }

  absl::Status PutProvider(const common::v1::Scope& scope,
                           const v1::ThirdPartyProvider& provider) override {
    RETURN_IF_ERROR(RemoveProvider(scope, provider.third_party_id()).status());
    db::Params params = NameParams(scope);
    AddProviderParams(params, provider);
    RETURN_IF_ERROR(transaction_.Execute(kInsertProvider, params).status());
    for (const auto& client : provider.clients()) {
      db::Params values = NameParams(scope);
      values.Add(provider.third_party_id()).Add(client.client_type()).Add(client.client_id());
      values.Add(client.has_client_secret() ? std::optional(client.client_secret())
                                            : std::nullopt);
      std::optional<db::TextArray> scopes;
      if (client.has_scope()) {
        scopes.emplace(db::TextArray{
            {client.scope().values().begin(), client.scope().values().end()}});
      }
      values.Add(scopes);
      values.Add(client.has_force_pkce() ? std::optional(client.force_pkce()) : std::nullopt);
      values.Add(client.has_additional_config_json()
                     ? std::optional(client.additional_config_json())
                     : std::nullopt);
      RETURN_IF_ERROR(transaction_.Execute(kInsertClient, values).status());
    }
    return absl::OkStatus();
  }

  absl::StatusOr<bool> RemoveProvider(const common::v1::Scope& scope,
                                      const std::string& third_party_id) override {
    db::Params params = NameParams(scope);
    params.Add(third_party_id);
    ASSIGN_OR_RETURN(db::Result result, transaction_.Execute(kRemoveProvider, params));
    return result.affected() > 0;
  }

  absl::StatusOr<std::vector<std::string>> TenantIds(const common::v1::Scope& scope) override {
    return Strings(kTenantIds, {scope.connection_uri_domain(), scope.app_id()});
  }
  absl::StatusOr<std::vector<std::string>> AppIds(const std::string& domain) override {
    return Strings(kAppIds, {domain});
  }

  absl::Status RemoveRows(const common::v1::Scope& scope) override {
    if (scope.tenant_id() == kPublic) {
      return transaction_.Execute(kRemoveAppRows, {scope.app_id()}).status();
    }
    return transaction_.Execute(kRemoveTenantRow, {scope.app_id(), scope.tenant_id()}).status();
  }
  absl::StatusOr<bool> RemoveTenant(const common::v1::Scope& scope) override {
    return Remove(kDeleteTenant, NameParams(scope));
  }
  absl::StatusOr<bool> RemoveApp(const common::v1::Scope& scope) override {
    return Remove(kDeleteApp, {scope.connection_uri_domain(), scope.app_id()});
  }
  absl::StatusOr<bool> RemoveDomain(const std::string& domain) override {
    return Remove(kDeleteDomain, {domain});
  }

 private:
  static db::Params TenantParams(const v1::Tenant& tenant) {
    db::Params params = NameParams(tenant.scope());
    params.Add(tenant.core_config_json())
        .Add(tenant.email_password_enabled())
        .Add(tenant.third_party_enabled())
        .Add(tenant.passwordless_enabled())
        .Add(!tenant.has_first_factors());
    return params;
  }

  absl::Status AddFactors(const v1::Tenant& tenant) {
    const std::pair<const Statement*, const v1::FactorList*> lists[] = {
        {&kAddFirstFactors, &tenant.first_factors()},
        {&kAddSecondaryFactors, &tenant.required_secondary_factors()}};
    for (const auto& [statement, list] : lists) {
      if (list->factor_ids_size() == 0) continue;
      db::Params params = NameParams(tenant.scope());
      params.Add(db::TextArray{{list->factor_ids().begin(), list->factor_ids().end()}});
      RETURN_IF_ERROR(transaction_.Execute(*statement, params).status());
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<std::string>> Strings(const Statement& statement,
                                                   const db::Params& params) {
    ASSIGN_OR_RETURN(db::Result result, transaction_.Execute(statement, params));
    std::vector<std::string> values;
    for (const db::Row row : result) values.emplace_back(row.Text(0));
    return values;
  }

  absl::StatusOr<bool> Remove(const Statement& statement, const db::Params& params) {
    ASSIGN_OR_RETURN(db::Result result, transaction_.Execute(statement, params));
    return result.affected() > 0;
  }

  db::Transaction& transaction_;
};

}  // namespace

PgTenantStore::PgTenantStore(db::Database& database)
    : database_(database),
      channel_(StrCat("gatehouse_tenants_",
                      Hex(Fnv1a(StrCat(database.tables().schema(), ".",
                                       database.tables().Bare("tenant_configs")))))),
      instance_(Hex(RandomNumber())) {}

absl::Status PgTenantStore::EnsureBaseTenant(absl::Time deadline, int64_t now_ms) {
  RETURN_IF_ERROR(
      AddTenantRows(database_, deadline, tenancy::MakeScope("", "", ""), now_ms));
  return database_.Execute(deadline, kInsertBase).status();
}

absl::StatusOr<std::optional<v1::Tenant>> PgTenantStore::Get(absl::Time deadline,
                                                             const common::v1::Scope& scope) {
  ASSIGN_OR_RETURN(db::Result result, database_.Execute(deadline, kGet, NameParams(scope)));
  if (result.empty()) return std::nullopt;
  return ReadTenant(result.front());
}

absl::StatusOr<std::vector<v1::TenantWithProviders>> PgTenantStore::List(absl::Time deadline,
                                                                         const Filter& filter) {
  absl::StatusOr<db::Result> rows;
  if (filter.tenant_id.has_value()) {
    rows = database_.Execute(deadline, kGet, {*filter.domain, *filter.app_id, *filter.tenant_id});
  } else if (filter.app_id.has_value()) {
    rows = database_.Execute(deadline, kListApp, {*filter.domain, *filter.app_id});
  } else if (filter.domain.has_value()) {
    rows = database_.Execute(deadline, kListDomain, {*filter.domain});
  } else {
    rows = database_.Execute(deadline, kAll);
  }
  if (!rows.ok()) return rows.status();
  std::vector<v1::TenantWithProviders> tenants;
  if (rows->empty()) return tenants;

  std::map<std::array<std::string, 3>, size_t> places;
  for (const db::Row row : *rows) {
    v1::TenantWithProviders& tenant = tenants.emplace_back();
    *tenant.mutable_tenant() = ReadTenant(row);
    const common::v1::Scope& scope = tenant.tenant().scope();
    places[{scope.connection_uri_domain(), scope.app_id(), scope.tenant_id()}] =
        tenants.size() - 1;
  }
  ASSIGN_OR_RETURN(db::Result providers,
                   database_.Execute(deadline, kListProviders,
                                     {filter.domain, filter.app_id, filter.tenant_id}));
  for (const db::Row row : providers) {
    auto place = places.find(
        {std::string(row.Text(0)), std::string(row.Text(1)), std::string(row.Text(2))});
    if (place == places.end()) continue;
    *tenants[place->second].add_third_party_providers() = ReadProvider(row, 3);
  }
  return tenants;
}

absl::Status PgTenantStore::Change(absl::Time deadline, const common::v1::Scope& scope,
                                   bool whole_domain,
                                   absl::FunctionRef<absl::Status(TenantChange&)> body) {
  const std::string payload = StrCat(instance_, "\n", scope.connection_uri_domain(), "\n",
                                     scope.app_id(), "\n", scope.tenant_id());
  return database_.Transact(deadline, [&](db::Transaction& transaction) -> absl::Status {
    if (whole_domain) {
      RETURN_IF_ERROR(
          transaction.Execute(kLockDomain, {scope.connection_uri_domain()}).status());
    } else {
      RETURN_IF_ERROR(
          transaction.Execute(kLockApp, {scope.connection_uri_domain(), scope.app_id()})
              .status());
    }
    PgTenantChange change(transaction);
    RETURN_IF_ERROR(body(change));
    return transaction.Execute(kNotify, {channel_, payload}).status();
  });
}

absl::StatusOr<std::unique_ptr<db::Subscription>> PgTenantStore::Listen(
    std::function<void(const common::v1::Scope&)> changed, std::function<void()> resynchronise) {
  return database_.Listen(
      channel_, [this, changed = std::move(changed), resynchronise = std::move(resynchronise)](
                    const db::Notification& notification) {
        if (notification.resynchronise) {
          resynchronise();
          return;
        }
        std::array<std::string_view, 4> parts;
        std::string_view rest = notification.payload;
        for (std::string_view& part : parts) {
          const size_t end = rest.find('\n');
          part = rest.substr(0, end);
          rest = end == std::string_view::npos ? "" : rest.substr(end + 1);
        }
        if (parts[0] == instance_ || parts[2].empty() || parts[3].empty()) return;
        changed(tenancy::MakeScope(parts[1], parts[2], parts[3]));
      });
}

absl::Status AddTenantRows(db::Database& database, absl::Time deadline,
                           const common::v1::Scope& scope, int64_t now_ms) {
  auto result =
      database.Execute(deadline, kAddAppRows, {scope.app_id(), scope.tenant_id(), now_ms});
  return AsTenantNotFound(result.status(), scope);
}

absl::Status RemoveTenantRows(db::Database& database, absl::Time deadline,
                              const common::v1::Scope& scope) {
  if (scope.tenant_id() == kPublic) {
    return database.Execute(deadline, kRemoveAppRows, {scope.app_id()}).status();
  }
  return database.Execute(deadline, kRemoveTenantRow, {scope.app_id(), scope.tenant_id()})
      .status();
}

}  // namespace gatehouse::tenants
