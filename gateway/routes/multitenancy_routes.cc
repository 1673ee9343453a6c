#include "gateway/routes/multitenancy_routes.h"

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "gatehouse/tenants/v1/tenants_service.rpc.h"
#include "gateway/api/route_group.h"
#include "gateway/json_input.h"
#include "gateway/routes/app_checks.h"
#include "gateway/routes/tenant_json.h"
#include "gateway/routes/tenant_names.h"
#include "libs/base/json.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/config/core_config.h"
#include "libs/tenancy/tenant_directory.h"

namespace gatehouse::gateway {
namespace {

namespace v1 = tenants::v1;

struct Multitenancy {
  v1::TenantsServiceClient tenants;
  const tenancy::TenantDirectory& directory;

  bool Protects(const ApiRequest& request) const {
    return KeepsProtectedSettingsFrom(directory, request);
  }
};

enum class Level { kTenant, kApp, kDomain };

absl::StatusOr<common::v1::Scope> ReadTarget(Level level, const json::Value& body,
                                             const common::v1::Scope& source) {
  switch (level) {
    case Level::kTenant: {
      ASSIGN_OR_RETURN(const auto text, OptionalString(body, "tenantId"));
      std::string id;
      if (text.has_value()) {
        ASSIGN_OR_RETURN(id, NormaliseTenantId(*text));
      }
      return tenancy::MakeScope(source.connection_uri_domain(), source.app_id(), id);
    }
    case Level::kApp: {
      ASSIGN_OR_RETURN(const auto text, OptionalString(body, "appId"));
      std::string id;
      if (text.has_value()) {
        ASSIGN_OR_RETURN(id, NormaliseAppId(*text));
      }
      return tenancy::MakeScope(source.connection_uri_domain(), id, "");
    }
    case Level::kDomain: {
      ASSIGN_OR_RETURN(const auto text, OptionalString(body, "connectionUriDomain"));
      std::string domain;
      if (text.has_value()) {
        ASSIGN_OR_RETURN(domain, NormaliseConnectionUriDomain(*text));
      }
      return tenancy::MakeScope(domain, "", "");
    }
  }
  return InvalidField("tenantId");
}

// A list of factors: absent, null (an unset list), or distinct strings.
absl::StatusOr<bool> ReadFactors(const json::Value& body, const char* field, bool& is_null,
                                 v1::FactorList& list) {
  const json::Value* value = body.Find(field);
  is_null = true;
  if (value == nullptr) return false;
  if (value->is_null()) return true;
  is_null = false;
  ASSIGN_OR_RETURN(const json::Value* array, RequireArray(body, field));
  std::set<std::string> distinct;
  for (const json::Value& element : array->elements()) {
    ASSIGN_OR_RETURN(std::string id, StringElement(element, field));
    distinct.insert(id);
    list.add_factor_ids(std::move(id));
  }
  if (distinct.size() != static_cast<size_t>(list.factor_ids_size())) {
    return BadInput(StrCat(field, " input should not contain duplicate values"));
  }
  return true;
}

absl::Status ReadFirstFactors(const json::Value& body, v1::UpsertTenantRequest& call) {
  bool is_null = false;
  v1::FactorList list;
  ASSIGN_OR_RETURN(const bool set, ReadFactors(body, "firstFactors", is_null, list));
  call.set_set_first_factors(set);
  if (!is_null) *call.mutable_first_factors() = std::move(list);
  return absl::OkStatus();
}

absl::Status ReadSecondaryFactors(const json::Value& body, v1::UpsertTenantRequest& call) {
  bool is_null = false;
  v1::FactorList list;
  ASSIGN_OR_RETURN(const bool set, ReadFactors(body, "requiredSecondaryFactors", is_null, list));
  call.set_set_required_secondary_factors(set);
  if (!is_null) *call.mutable_required_secondary_factors() = std::move(list);
  return absl::OkStatus();
}

absl::Status ReadRecipes(const json::Value& body, v1::UpsertTenantRequest& call) {
  ASSIGN_OR_RETURN(const auto email_password, OptionalBool(body, "emailPasswordEnabled"));
  ASSIGN_OR_RETURN(const auto third_party, OptionalBool(body, "thirdPartyEnabled"));
  ASSIGN_OR_RETURN(const auto passwordless, OptionalBool(body, "passwordlessEnabled"));
  if (email_password.has_value()) call.set_email_password_enabled(*email_password);
  if (third_party.has_value()) call.set_third_party_enabled(*third_party);
  if (passwordless.has_value()) call.set_passwordless_enabled(*passwordless);
  return absl::OkStatus();
}

absl::Status ReadChanges(const json::Value& body, v1::UpsertTenantRequest& call) {
  switch (call.style()) {
    case v1::UPSERT_STYLE_RECIPES:
      return ReadRecipes(body, call);
    case v1::UPSERT_STYLE_RECIPES_AND_FACTORS:
      RETURN_IF_ERROR(ReadRecipes(body, call));
      RETURN_IF_ERROR(ReadFirstFactors(body, call));
      if (call.has_first_factors() && call.first_factors().factor_ids_size() == 0) {
        return BadInput(
            "firstFactors cannot be empty. Set null instead to remove all first factors.");
      }
      RETURN_IF_ERROR(ReadSecondaryFactors(body, call));
      if (call.has_required_secondary_factors() &&
          call.required_secondary_factors().factor_ids_size() == 0) {
        return BadInput(
            "requiredSecondaryFactors cannot be empty. Set null instead to remove all required "
            "secondary factors.");
      }
      return absl::OkStatus();
    default:
      if (body.Find("emailPasswordEnabled") != nullptr) {
        return BadInput("emailPasswordEnabled is not a valid input for this API");
      }
      if (body.Find("thirdPartyEnabled") != nullptr) {
        return BadInput("thirdParty is not a valid input for this API");
      }
      if (body.Find("passwordlessEnabled") != nullptr) {
        return BadInput("passwordless is not a valid input for this API");
      }
      RETURN_IF_ERROR(ReadFirstFactors(body, call));
      return ReadSecondaryFactors(body, call);
  }
}

// PUT tenant, app and connectionuridomain, each with and without /v2.
template <Level level, bool is_v2>
absl::StatusOr<Reply> Put(ApiRequest& request, Multitenancy& parts) {
  ASSIGN_OR_RETURN(const json::Value* body, request.JsonBody());
  v1::UpsertTenantRequest call;
  ASSIGN_OR_RETURN(*call.mutable_target(), ReadTarget(level, *body, request.scope));
  RETURN_IF_ERROR(parts.directory.Find(request.scope, request.context.deadline).status());
  *call.mutable_scope() = request.scope;
  call.set_style(is_v2                      ? v1::UPSERT_STYLE_FACTORS
                 : request.cdi >= cdi::k5_0 ? v1::UPSERT_STYLE_RECIPES_AND_FACTORS
                                            : v1::UPSERT_STYLE_RECIPES);
  call.set_prevent_protected(parts.Protects(request));
  const auto base = parts.directory.base_config();
  const std::string& domain = call.target().connection_uri_domain();
  if (base != nullptr && base->saas_load_only_cud() != nullptr && !domain.empty() &&
      domain != *base->saas_load_only_cud()) {
    return BadInput("Creation of connection uri domain or app or tenant is disallowed");
  }
  ASSIGN_OR_RETURN(const json::Value* core_config, OptionalObject(*body, "coreConfig"));
  if (core_config != nullptr) call.set_core_config_json(json::Serialize(*core_config));
  RETURN_IF_ERROR(ReadChanges(*body, call));
  ASSIGN_OR_RETURN(const auto response, parts.tenants.UpsertTenant(request.context, call));
  return JsonReply(json::Value::Object({{"status", "OK"}, {"createdNew", response.created_new()}}));
}

TenantShape ShapeOf(const ApiRequest& request, bool is_v2) {
  if (is_v2) return TenantShape::kFactors;
  return request.cdi >= cdi::k5_0 ? TenantShape::kRecipesAndFactors : TenantShape::kRecipes;
}

// GET tenant[/v2]: an unknown tenant or app is an outcome here.
template <bool is_v2>
absl::StatusOr<Reply> Get(ApiRequest& request, Multitenancy& parts) {
  v1::GetTenantRequest call;
  *call.mutable_scope() = request.scope;
  call.set_hide_protected(parts.Protects(request));
  ASSIGN_OR_RETURN(const auto response, parts.tenants.GetTenant(request.context, call));
  if (!response.has_tenant()) return StatusReply("TENANT_NOT_FOUND_ERROR");
  json::Value reply = TenantToJson(response.tenant(), ShapeOf(request, is_v2));
  reply.Set("status", "OK");
  return JsonReply(reply);
}

absl::StatusOr<v1::ListTenantsResponse> Fetch(ApiRequest& request, Multitenancy& parts,
                                              v1::ListTenantsRequest::Range range) {
  v1::ListTenantsRequest call;
  *call.mutable_scope() = request.scope;
  call.set_range(range);
  call.set_hide_protected(parts.Protects(request));
  return parts.tenants.ListTenants(request.context, call);
}

template <bool is_v2>
absl::StatusOr<Reply> ListTenants(ApiRequest& request, Multitenancy& parts) {
  ASSIGN_OR_RETURN(const auto response, Fetch(request, parts, v1::ListTenantsRequest::RANGE_APP));
  json::Value list = json::Value::Array();
  for (const auto& tenant : response.tenants()) {
    list.Append(TenantToJson(tenant, ShapeOf(request, is_v2)));
  }
  return JsonReply(json::Value::Object({{"status", "OK"}, {"tenants", std::move(list)}}));
}

// Tenants are ordered by domain, app and id, so those of one app are adjacent.
json::Value GroupByApp(const v1::ListTenantsResponse& response, const std::string& domain,
                       TenantShape shape) {
  json::Value apps = json::Value::Array();
  std::optional<std::string> current;
  json::Value tenants = json::Value::Array();
  const auto finish = [&] {
    if (!current.has_value()) return;
    apps.Append(json::Value::Object({{"appId", *current}, {"tenants", std::move(tenants)}}));
    tenants = json::Value::Array();
  };
  for (const auto& tenant : response.tenants()) {
    const common::v1::Scope& scope = tenant.tenant().scope();
    if (scope.connection_uri_domain() != domain) continue;
    if (current != scope.app_id()) {
      finish();
      current = scope.app_id();
    }
    tenants.Append(TenantToJson(tenant, shape));
  }
  finish();
  return apps;
}

template <bool is_v2>
absl::StatusOr<Reply> ListApps(ApiRequest& request, Multitenancy& parts) {
  ASSIGN_OR_RETURN(const auto response,
                   Fetch(request, parts, v1::ListTenantsRequest::RANGE_CONNECTION_URI_DOMAIN));
  return JsonReply(
      json::Value::Object({{"status", "OK"},
                           {"apps", GroupByApp(response, request.scope.connection_uri_domain(),
                                               ShapeOf(request, is_v2))}}));
}

template <bool is_v2>
absl::StatusOr<Reply> ListDomains(ApiRequest& request, Multitenancy& parts) {
  ASSIGN_OR_RETURN(const auto response, Fetch(request, parts, v1::ListTenantsRequest::RANGE_ALL));
  std::map<std::string, v1::ListTenantsResponse> by_domain;
  for (const auto& tenant : response.tenants()) {
    *by_domain[tenant.tenant().scope().connection_uri_domain()].add_tenants() = tenant;
  }
  json::Value domains = json::Value::Array();
  for (const auto& [domain, tenants] : by_domain) {
    domains.Append(
        json::Value::Object({{"connectionUriDomain", domain},
                             {"apps", GroupByApp(tenants, domain, ShapeOf(request, is_v2))}}));
  }
  return JsonReply(
      json::Value::Object({{"status", "OK"}, {"connectionUriDomains", std::move(domains)}}));
}

Reply DidExist(bool did_exist) {
  return JsonReply(json::Value::Object({{"status", "OK"}, {"didExist", did_exist}}));
}

// POST tenant/remove.
absl::StatusOr<Reply> RemoveTenant(ApiRequest& request, Multitenancy& parts) {
  ASSIGN_OR_RETURN(const json::Value* body, request.JsonBody());
  v1::RemoveTenantRequest call;
  *call.mutable_scope() = request.scope;
  call.set_prevent_protected(parts.Protects(request));
  ASSIGN_OR_RETURN(const std::string text, RequireString(*body, "tenantId"));
  ASSIGN_OR_RETURN(*call.mutable_tenant_id(), NormaliseTenantId(text));
  ASSIGN_OR_RETURN(const auto response, parts.tenants.RemoveTenant(request.context, call));
  return DidExist(response.did_exist());
}

// POST app/remove.
absl::StatusOr<Reply> RemoveApp(ApiRequest& request, Multitenancy& parts) {
  ASSIGN_OR_RETURN(const json::Value* body, request.JsonBody());
  v1::RemoveAppRequest call;
  *call.mutable_scope() = request.scope;
  call.set_prevent_protected(parts.Protects(request));
  ASSIGN_OR_RETURN(const std::string text, RequireString(*body, "appId"));
  ASSIGN_OR_RETURN(*call.mutable_app_id(), NormaliseAppId(text));
  ASSIGN_OR_RETURN(const auto response, parts.tenants.RemoveApp(request.context, call));
  return DidExist(response.did_exist());
}

// POST connectionuridomain/remove.
absl::StatusOr<Reply> RemoveDomain(ApiRequest& request, Multitenancy& parts) {
  ASSIGN_OR_RETURN(const json::Value* body, request.JsonBody());
  v1::RemoveConnectionUriDomainRequest call;
  *call.mutable_scope() = request.scope;
  call.set_prevent_protected(parts.Protects(request));
  ASSIGN_OR_RETURN(const std::string text, RequireString(*body, "connectionUriDomain"));
  ASSIGN_OR_RETURN(*call.mutable_connection_uri_domain(), NormaliseConnectionUriDomain(text));
  ASSIGN_OR_RETURN(const auto response,
                   parts.tenants.RemoveConnectionUriDomain(request.context, call));
  return DidExist(response.did_exist());
}

// PUT config/thirdparty.
absl::StatusOr<Reply> PutProvider(ApiRequest& request, Multitenancy& parts) {
  ASSIGN_OR_RETURN(const json::Value* body, request.JsonBody());
  ASSIGN_OR_RETURN(const json::Value* config, RequireObject(*body, "config"));
  ASSIGN_OR_RETURN(const std::string id, RequireString(*config, "thirdPartyId"));
  ASSIGN_OR_RETURN(const auto skip_validation, OptionalBool(*body, "skipValidation"));
  RETURN_IF_ERROR(parts.directory.Find(request.scope, request.context.deadline).status());
  v1::PutThirdPartyProviderRequest call;
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(*call.mutable_provider(), ProviderFromJson(*config));
  call.mutable_provider()->set_third_party_id(std::string(JavaTrim(id)));
  call.set_skip_validation(skip_validation.value_or(false));
  ASSIGN_OR_RETURN(const auto response, parts.tenants.PutThirdPartyProvider(request.context, call));
  return JsonReply(json::Value::Object({{"status", "OK"}, {"createdNew", response.created_new()}}));
}

// POST config/thirdparty/remove.
absl::StatusOr<Reply> RemoveProvider(ApiRequest& request, Multitenancy& parts) {
  ASSIGN_OR_RETURN(const json::Value* body, request.JsonBody());
  ASSIGN_OR_RETURN(const std::string id, RequireString(*body, "thirdPartyId"));
  v1::RemoveThirdPartyProviderRequest call;
  *call.mutable_scope() = request.scope;
  call.set_third_party_id(std::string(JavaTrim(id)));
  ASSIGN_OR_RETURN(const auto response,
                   parts.tenants.RemoveThirdPartyProvider(request.context, call));
  return JsonReply(
      json::Value::Object({{"status", "OK"}, {"didConfigExist", response.did_exist()}}));
}

// Operations that exist in two versions.
template <bool is_v2>
void AddVersion(const RouteGroup<Multitenancy>& group) {
  const std::string suffix = is_v2 ? "/v2" : "";
  const auto add = [&](HttpMethod method, const char* path, auto operation) {
    group.Add(method, StrCat("/recipe/multitenancy/", path, suffix), operation);
  };
  add(HttpMethod::kPut, "tenant", Put<Level::kTenant, is_v2>);
  add(HttpMethod::kPut, "app", Put<Level::kApp, is_v2>);
  add(HttpMethod::kPut, "connectionuridomain", Put<Level::kDomain, is_v2>);
  add(HttpMethod::kGet, "tenant", Get<is_v2>);
  add(HttpMethod::kGet, "tenant/list", ListTenants<is_v2>);
  add(HttpMethod::kGet, "app/list", ListApps<is_v2>);
  add(HttpMethod::kGet, "connectionuridomain/list", ListDomains<is_v2>);
}

}  // namespace

void AddMultitenancyRoutes(RouteTable& routes, rpc::Channel& tenants,
                           const tenancy::TenantDirectory& directory) {
  const RouteGroup group(
      routes, "tenants",
      std::make_shared<Multitenancy>(Multitenancy{v1::TenantsServiceClient(tenants), directory}));
  AddVersion</*is_v2=*/false>(group);
  AddVersion</*is_v2=*/true>(group);
  group.Add(HttpMethod::kPost, "/recipe/multitenancy/tenant/remove", RemoveTenant);
  group.Add(HttpMethod::kPost, "/recipe/multitenancy/app/remove", RemoveApp);
  group.Add(HttpMethod::kPost, "/recipe/multitenancy/connectionuridomain/remove", RemoveDomain);
  group.Add(HttpMethod::kPut, "/recipe/multitenancy/config/thirdparty", PutProvider);
  group.Add(HttpMethod::kPost, "/recipe/multitenancy/config/thirdparty/remove", RemoveProvider);
}

}  // namespace gatehouse::gateway
