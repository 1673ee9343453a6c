#include "services/tenants/pg_tenant_change.h"

#include <optional>
#include <utility>

#include "libs/base/status.h"
#include "libs/db/database.h"
#include "libs/tenancy/tenant_directory.h"
#include "services/tenants/pg_tenant_rows.h"

namespace gatehouse::tenants {
namespace {

using db::Statement;

constexpr std::string_view kPublic = "public";

// Index: tenant_thirdparty_providers_pkey and ..._clients_pkey.
constexpr Statement kProviders = {"tenants_providers",
                                  "SELECT " GATEHOUSE_PROVIDER_COLUMNS
                                  "FROM {tenant_thirdparty_providers} p "
                                  "WHERE p.connection_uri_domain = $1 AND p.app_id = $2 AND "
                                  "p.tenant_id = $3 ORDER BY p.third_party_id"};
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

// Clients are deleted by cascade.
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
constexpr Statement kTenantIds = {"tenants_ids_of_app",
                                  "SELECT tenant_id FROM {tenant_configs} "
                                  "WHERE connection_uri_domain = $1 AND app_id = $2"};
constexpr Statement kAppIds = {
    "tenants_apps_of_domain",
    "SELECT DISTINCT app_id FROM {tenant_configs} WHERE connection_uri_domain = $1"};
constexpr Statement kDeleteTenant = {
    "tenants_delete_tenant",
    "DELETE FROM {tenant_configs} WHERE connection_uri_domain = $1 "
    "AND app_id = $2 AND tenant_id = $3"};
constexpr Statement kDeleteApp = {
    "tenants_delete_app",
    "DELETE FROM {tenant_configs} WHERE connection_uri_domain = $1 AND app_id = $2"};
constexpr Statement kDeleteDomain = {
    "tenants_delete_domain", "DELETE FROM {tenant_configs} WHERE connection_uri_domain = $1"};

// A tenant that is removed while its app's or tenant's rows are written.
absl::Status AsTenantNotFound(const absl::Status& status, const common::v1::Scope& scope) {
  return db::ViolatesConstraint(status, "_fkey") ? tenancy::TenantNotFound(scope) : status;
}

db::Params TenantParams(const v1::Tenant& tenant) {
  db::Params params = NameParams(tenant.scope());
  params.Add(tenant.core_config_json())
      .Add(tenant.email_password_enabled())
      .Add(tenant.third_party_enabled())
      .Add(tenant.passwordless_enabled())
      .Add(!tenant.has_first_factors());
  return params;
}

}  // namespace

absl::StatusOr<std::optional<v1::Tenant>> PgTenantChange::Get(const common::v1::Scope& scope) {
  ASSIGN_OR_RETURN(db::Result result, transaction_.Execute(kGetTenant, NameParams(scope)));
  if (result.empty()) return std::nullopt;
  return ReadTenant(result.front());
}

absl::StatusOr<std::vector<v1::ThirdPartyProvider>> PgTenantChange::Providers(
    const common::v1::Scope& scope) {
  ASSIGN_OR_RETURN(db::Result result, transaction_.Execute(kProviders, NameParams(scope)));
  std::vector<v1::ThirdPartyProvider> providers;
  for (const db::Row row : result) providers.push_back(ReadProvider(row, 0));
  return providers;
}

absl::Status PgTenantChange::AddRows(const common::v1::Scope& scope, int64_t now_ms) {
  const Statement& statement = scope.tenant_id() == kPublic ? kAddAppRows : kAddTenantRow;
  auto result = transaction_.Execute(statement, {scope.app_id(), scope.tenant_id(), now_ms});
  return AsTenantNotFound(result.status(), scope);
}

absl::Status PgTenantChange::Insert(const v1::Tenant& tenant) {
  RETURN_IF_ERROR(transaction_.Execute(kInsert, TenantParams(tenant)).status());
  return AddFactors(tenant);
}

absl::Status PgTenantChange::Update(const v1::Tenant& tenant) {
  RETURN_IF_ERROR(transaction_.Execute(kUpdate, TenantParams(tenant)).status());
  RETURN_IF_ERROR(transaction_.Execute(kClearFactors, NameParams(tenant.scope())).status());
  return AddFactors(tenant);
}

absl::Status PgTenantChange::PutProvider(const common::v1::Scope& scope,
                                         const v1::ThirdPartyProvider& provider) {
  RETURN_IF_ERROR(RemoveProvider(scope, provider.third_party_id()).status());
  db::Params params = NameParams(scope);
  AddProviderParams(params, provider);
  RETURN_IF_ERROR(transaction_.Execute(kInsertProvider, params).status());
  for (const auto& client : provider.clients()) {
    db::Params values = NameParams(scope);
    values.Add(provider.third_party_id()).Add(client.client_type()).Add(client.client_id());
    values.Add(client.has_client_secret() ? std::optional(client.client_secret()) : std::nullopt);
    std::optional<db::TextArray> scopes;
    if (client.has_scope()) {
      scopes.emplace(
          db::TextArray{{client.scope().values().begin(), client.scope().values().end()}});
    }
    values.Add(scopes);
    values.Add(client.has_force_pkce() ? std::optional(client.force_pkce()) : std::nullopt);
    values.Add(client.has_additional_config_json() ? std::optional(client.additional_config_json())
                                                   : std::nullopt);
    RETURN_IF_ERROR(transaction_.Execute(kInsertClient, values).status());
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> PgTenantChange::RemoveProvider(const common::v1::Scope& scope,
                                                    const std::string& third_party_id) {
  db::Params params = NameParams(scope);
  params.Add(third_party_id);
  ASSIGN_OR_RETURN(db::Result result, transaction_.Execute(kRemoveProvider, params));
  return result.affected() > 0;
}

absl::StatusOr<std::vector<std::string>> PgTenantChange::TenantIds(const common::v1::Scope& scope) {
  return Strings(kTenantIds, {scope.connection_uri_domain(), scope.app_id()});
}
absl::StatusOr<std::vector<std::string>> PgTenantChange::AppIds(const std::string& domain) {
  return Strings(kAppIds, {domain});
}

absl::Status PgTenantChange::RemoveRows(const common::v1::Scope& scope) {
  if (scope.tenant_id() == kPublic) {
    return transaction_.Execute(kRemoveAppRows, {scope.app_id()}).status();
  }
  return transaction_.Execute(kRemoveTenantRow, {scope.app_id(), scope.tenant_id()}).status();
}
absl::StatusOr<bool> PgTenantChange::RemoveTenant(const common::v1::Scope& scope) {
  return Remove(kDeleteTenant, NameParams(scope));
}
absl::StatusOr<bool> PgTenantChange::RemoveApp(const common::v1::Scope& scope) {
  return Remove(kDeleteApp, {scope.connection_uri_domain(), scope.app_id()});
}
absl::StatusOr<bool> PgTenantChange::RemoveDomain(const std::string& domain) {
  return Remove(kDeleteDomain, {domain});
}

absl::Status PgTenantChange::AddFactors(const v1::Tenant& tenant) {
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

absl::StatusOr<std::vector<std::string>> PgTenantChange::Strings(const Statement& statement,
                                                                 const db::Params& params) {
  ASSIGN_OR_RETURN(db::Result result, transaction_.Execute(statement, params));
  std::vector<std::string> values;
  for (const db::Row row : result) values.emplace_back(row.Text(0));
  return values;
}

absl::StatusOr<bool> PgTenantChange::Remove(const Statement& statement, const db::Params& params) {
  ASSIGN_OR_RETURN(db::Result result, transaction_.Execute(statement, params));
  return result.affected() > 0;
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
  return database.Execute(deadline, kRemoveTenantRow, {scope.app_id(), scope.tenant_id()}).status();
}

}  // namespace gatehouse::tenants
