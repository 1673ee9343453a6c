#include "services/tenants/pg_tenant_rows.h"

#include "libs/base/json.h"

namespace gatehouse::tenants {
namespace {

void SplitInto(std::string_view joined, v1::FactorList& list) {
  while (!joined.empty()) {
    const size_t comma = joined.find(',');
    list.add_factor_ids(std::string(joined.substr(0, comma)));
    joined = comma == std::string_view::npos ? "" : joined.substr(comma + 1);
  }
}

void ReadClient(const json::Value& columns, v1::ThirdPartyProvider::Client& client) {
  const json::Array& values = columns.elements();
  if (values.size() != 6) return;
  // '' stands for none: the column is part of the key.
  if (const auto text = values[0].AsString(); text.has_value() && !text->empty()) {
    client.set_client_type(std::string(*text));
  }
  if (const auto text = values[1].AsString()) client.set_client_id(std::string(*text));
  if (const auto text = values[2].AsString()) client.set_client_secret(std::string(*text));
  if (values[3].is_array()) {
    auto* scope = client.mutable_scope();
    for (const json::Value& value : values[3].elements()) {
      if (const auto text = value.AsString()) scope->add_values(std::string(*text));
    }
  }
  if (const auto flag = values[4].AsBool()) client.set_force_pkce(*flag);
  if (const auto text = values[5].AsString()) client.set_additional_config_json(std::string(*text));
}

std::optional<std::string> Opt(bool has, const std::string& value) {
  if (!has) return std::nullopt;
  return value;
}

}  // namespace

db::Params NameParams(const common::v1::Scope& scope) {
  return {scope.connection_uri_domain(), scope.app_id(), scope.tenant_id()};
}

v1::Tenant ReadTenant(const db::Row& row) {
  v1::Tenant tenant;
  tenant.mutable_scope()->set_connection_uri_domain(std::string(row.Text(0)));
  tenant.mutable_scope()->set_app_id(std::string(row.Text(1)));
  tenant.mutable_scope()->set_tenant_id(std::string(row.Text(2)));
  tenant.set_core_config_json(row.IsNull(3) ? "{}" : std::string(row.Text(3)));
  tenant.set_email_password_enabled(row.Bool(4));
  tenant.set_third_party_enabled(row.Bool(5));
  tenant.set_passwordless_enabled(row.Bool(6));
  if (!row.Bool(7) || !row.IsNull(8)) SplitInto(row.Text(8), *tenant.mutable_first_factors());
  if (!row.IsNull(9)) SplitInto(row.Text(9), *tenant.mutable_required_secondary_factors());
  tenant.set_created_at_ms(row.Int64(10));
  if (!row.IsNull(11)) tenant.set_incarnation(row.Int64(11));
  return tenant;
}

v1::ThirdPartyProvider ReadProvider(const db::Row& row, int first) {
  v1::ThirdPartyProvider provider;
  provider.set_third_party_id(std::string(row.Text(first)));
  const auto text = [&](int offset) { return row.OptText(first + offset); };
  if (auto v = text(1)) provider.set_name(*std::move(v));
  if (auto v = text(2)) provider.set_authorization_endpoint(*std::move(v));
  if (auto v = text(3)) provider.set_authorization_endpoint_query_params_json(*std::move(v));
  if (auto v = text(4)) provider.set_token_endpoint(*std::move(v));
  if (auto v = text(5)) provider.set_token_endpoint_body_params_json(*std::move(v));
  if (auto v = text(6)) provider.set_user_info_endpoint(*std::move(v));
  if (auto v = text(7)) provider.set_user_info_endpoint_query_params_json(*std::move(v));
  if (auto v = text(8)) provider.set_user_info_endpoint_headers_json(*std::move(v));
  if (auto v = text(9)) provider.set_jwks_uri(*std::move(v));
  if (auto v = text(10)) provider.set_oidc_discovery_endpoint(*std::move(v));
  if (!row.IsNull(first + 11)) provider.set_require_email(row.Bool(first + 11));
  auto* from_token = provider.mutable_user_info_from_id_token_payload();
  if (auto v = text(12)) from_token->set_user_id(*std::move(v));
  if (auto v = text(13)) from_token->set_email(*std::move(v));
  if (auto v = text(14)) from_token->set_email_verified(*std::move(v));
  auto* from_api = provider.mutable_user_info_from_user_info_api();
  if (auto v = text(15)) from_api->set_user_id(*std::move(v));
  if (auto v = text(16)) from_api->set_email(*std::move(v));
  if (auto v = text(17)) from_api->set_email_verified(*std::move(v));
  if (!row.IsNull(first + 18)) {
    if (auto clients = json::Parse(row.Text(first + 18)); clients.ok()) {
      for (const json::Value& client : clients->elements()) {
        ReadClient(client, *provider.add_clients());
      }
    }
  }
  return provider;
}

void AddProviderParams(db::Params& params, const v1::ThirdPartyProvider& p) {
  params.Add(p.third_party_id());
  params.Add(Opt(p.has_name(), p.name()));
  params.Add(Opt(p.has_authorization_endpoint(), p.authorization_endpoint()));
  params.Add(Opt(p.has_authorization_endpoint_query_params_json(),
                 p.authorization_endpoint_query_params_json()));
  params.Add(Opt(p.has_token_endpoint(), p.token_endpoint()));
  params.Add(Opt(p.has_token_endpoint_body_params_json(), p.token_endpoint_body_params_json()));
  params.Add(Opt(p.has_user_info_endpoint(), p.user_info_endpoint()));
  params.Add(
      Opt(p.has_user_info_endpoint_query_params_json(), p.user_info_endpoint_query_params_json()));
  params.Add(Opt(p.has_user_info_endpoint_headers_json(), p.user_info_endpoint_headers_json()));
  params.Add(Opt(p.has_jwks_uri(), p.jwks_uri()));
  params.Add(Opt(p.has_oidc_discovery_endpoint(), p.oidc_discovery_endpoint()));
  params.Add(p.has_require_email() ? std::optional<bool>(p.require_email()) : std::nullopt);
  for (const auto* fields :
       {&p.user_info_from_id_token_payload(), &p.user_info_from_user_info_api()}) {
    params.Add(Opt(fields->has_user_id(), fields->user_id()));
    params.Add(Opt(fields->has_email(), fields->email()));
    params.Add(Opt(fields->has_email_verified(), fields->email_verified()));
  }
}

}  // namespace gatehouse::tenants
