#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gatehouse/tenants/v1/tenant.pb.h"
#include "gatehouse/tenants/v1/third_party_provider.pb.h"
#include "libs/db/result.h"
#include "libs/db/statement.h"

namespace gatehouse::tenants {

// The columns that ReadTenant reads, in its order, from `c` ({tenant_configs}). created_at_time is
// known if the rows are in the base database. Required factors are in the order of their rows, in
// which they were given: clients ask for the first one that is left.
#define GATEHOUSE_TENANT_COLUMNS                                                                 \
  "c.connection_uri_domain, c.app_id, c.tenant_id, c.core_config, c.email_password_enabled, "    \
  "c.third_party_enabled, c.passwordless_enabled, c.is_first_factors_null, "                     \
  "(SELECT string_agg(f.factor_id, ',' ORDER BY f.factor_id) FROM {tenant_first_factors} f "     \
  " WHERE f.connection_uri_domain = c.connection_uri_domain AND f.app_id = c.app_id "            \
  " AND f.tenant_id = c.tenant_id), "                                                            \
  "(SELECT string_agg(f.factor_id, ',' ORDER BY f.ctid) "                                        \
  " FROM {tenant_required_secondary_factors} f "                                                 \
  " WHERE f.connection_uri_domain = c.connection_uri_domain AND f.app_id = c.app_id "            \
  " AND f.tenant_id = c.tenant_id), "                                                            \
  "(SELECT t.created_at_time FROM {tenants} t "                                                  \
  " WHERE t.app_id = c.app_id AND t.tenant_id = c.tenant_id AND c.connection_uri_domain = ''), " \
  "(SELECT i.incarnation FROM {gatehouse_tenant_incarnations} i "                                \
  " WHERE i.connection_uri_domain = c.connection_uri_domain AND i.app_id = c.app_id "            \
  " AND i.tenant_id = c.tenant_id) "

v1::Tenant ReadTenant(const db::Row& row);

// By domain, app and tenant. Index: tenant_configs_pkey.
inline constexpr db::Statement kGetTenant = {
    "tenants_get", "SELECT " GATEHOUSE_TENANT_COLUMNS
                   "FROM {tenant_configs} c "
                   "WHERE c.connection_uri_domain = $1 AND c.app_id = $2 AND c.tenant_id = $3"};

// Those that exist of the names in $1, $2 and $3, which are equally long. Each is looked up
// separately: the limit keeps PostgreSQL from reading all of them instead, whatever its estimate
// for the arrays. Index: tenant_configs_pkey.
inline constexpr db::Statement kGetTenants = {
    "tenants_get_several",
    "SELECT found.* FROM unnest($1::varchar[], $2::varchar[], $3::varchar[]) AS n (domain, app, "
    "tenant) "
    "CROSS JOIN LATERAL (SELECT " GATEHOUSE_TENANT_COLUMNS
    "FROM {tenant_configs} c WHERE c.connection_uri_domain = n.domain AND c.app_id = n.app "
    "AND c.tenant_id = n.tenant LIMIT 1) found"};

// $1 to $3: domain, app, tenant.
db::Params NameParams(const common::v1::Scope& scope);

// The columns that ReadProvider reads from column `first` on, from `p`
// ({tenant_thirdparty_providers}).
#define GATEHOUSE_PROVIDER_COLUMNS                                                              \
  "p.third_party_id, p.name, p.authorization_endpoint, p.authorization_endpoint_query_params, " \
  "p.token_endpoint, p.token_endpoint_body_params, p.user_info_endpoint, "                      \
  "p.user_info_endpoint_query_params, p.user_info_endpoint_headers, p.jwks_uri, "               \
  "p.oidc_discovery_endpoint, p.require_email, "                                                \
  "p.user_info_map_from_id_token_payload_user_id, "                                             \
  "p.user_info_map_from_id_token_payload_email, "                                               \
  "p.user_info_map_from_id_token_payload_email_verified, "                                      \
  "p.user_info_map_from_user_info_endpoint_user_id, "                                           \
  "p.user_info_map_from_user_info_endpoint_email, "                                             \
  "p.user_info_map_from_user_info_endpoint_email_verified, "                                    \
  "(SELECT json_agg(json_build_array(k.client_type, k.client_id, k.client_secret, k.scope, "    \
  " k.force_pkce, k.additional_config) ORDER BY k.client_type) "                                \
  " FROM {tenant_thirdparty_provider_clients} k "                                               \
  " WHERE k.connection_uri_domain = p.connection_uri_domain AND k.app_id = p.app_id "           \
  " AND k.tenant_id = p.tenant_id AND k.third_party_id = p.third_party_id) "

v1::ThirdPartyProvider ReadProvider(const db::Row& row, int first);

// $4... of the provider's INSERT, after domain, app and tenant.
void AddProviderParams(db::Params& params, const v1::ThirdPartyProvider& provider);

}  // namespace gatehouse::tenants
