#include "gateway/routes/tenant_json.h"

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/routes/hash_order.h"

namespace gatehouse::gateway {
namespace {

using tenants::v1::Tenant;

using FactorIds = std::span<const std::string_view>;

constexpr std::string_view kEmailPasswordFactors[] = {"emailpassword"};
constexpr std::string_view kThirdPartyFactors[] = {"thirdparty"};
constexpr std::string_view kPasswordlessFactors[] = {"otp-email", "otp-phone", "link-email",
                                                     "link-phone"};

bool IsEnabled(const Tenant& tenant, bool flag, FactorIds factors, TenantShape shape) {
  if (!flag || !tenant.has_first_factors()) return flag;
  const auto& ids = tenant.first_factors().factor_ids();
  if (shape == TenantShape::kRecipesAndFactors) return !ids.empty();
  return std::any_of(factors.begin(), factors.end(), [&](std::string_view factor) {
    return std::find(ids.begin(), ids.end(), factor) != ids.end();
  });
}

json::Value Strings(const std::vector<std::string>& ids) {
  return json::Value::Array(json::Array(ids.begin(), ids.end()));
}

// The original keeps first factors in a set, and required ones in the given order.
json::Value FirstFactors(const Tenant& tenant) {
  const auto& ids = tenant.first_factors().factor_ids();
  return Strings(InHashOrder({ids.begin(), ids.end()}));
}
json::Value RequiredFactors(const Tenant& tenant) {
  const auto& ids = tenant.required_secondary_factors().factor_ids();
  return Strings({ids.begin(), ids.end()});
}

// v2 has no switches: a recipe that is off is a factor that is missing.
void AddFactorsOfSwitches(const Tenant& tenant, json::Value& object) {
  if (tenant.email_password_enabled() && tenant.third_party_enabled() &&
      tenant.passwordless_enabled()) {
    return;
  }
  json::Value factors = json::Value::Array();
  const auto add = [&](bool flag, FactorIds ids) {
    if (!flag) return;
    for (const std::string_view id : ids) factors.Append(id);
  };
  add(tenant.email_password_enabled(), kEmailPasswordFactors);
  add(tenant.third_party_enabled(), kThirdPartyFactors);
  add(tenant.passwordless_enabled(), kPasswordlessFactors);
  object.Set("firstFactors", std::move(factors));
}

}  // namespace

json::Value TenantToJson(const tenants::v1::TenantWithProviders& with_providers,
                         TenantShape shape) {
  const Tenant& tenant = with_providers.tenant();
  std::vector<std::string> provider_ids;
  for (const auto& provider : with_providers.third_party_providers()) {
    provider_ids.push_back(provider.third_party_id());
  }
  json::Value providers = json::Value::Array();
  for (const size_t i : HashOrder(provider_ids)) {
    providers.Append(
        ProviderToJson(with_providers.third_party_providers(static_cast<int>(i))));
  }
  json::Value object = json::Value::Object({{"tenantId", tenant.scope().tenant_id()}});
  json::Value third_party = json::Value::Object();
  if (shape == TenantShape::kFactors) {
    third_party.Set("providers", std::move(providers));
    object.Set("thirdParty", std::move(third_party));
    if (tenant.has_first_factors()) {
      object.Set("firstFactors", FirstFactors(tenant));
    } else {
      AddFactorsOfSwitches(tenant, object);
    }
  } else {
    const auto enabled = [&](bool flag, FactorIds factors) {
      return json::Value::Object({{"enabled", IsEnabled(tenant, flag, factors, shape)}});
    };
    object.Set("emailPassword", enabled(tenant.email_password_enabled(), kEmailPasswordFactors));
    third_party = enabled(tenant.third_party_enabled(), kThirdPartyFactors);
    third_party.Set("providers", std::move(providers));
    object.Set("thirdParty", std::move(third_party));
    object.Set("passwordless", enabled(tenant.passwordless_enabled(), kPasswordlessFactors));
    if (shape == TenantShape::kRecipesAndFactors && tenant.first_factors().factor_ids_size() > 0) {
      object.Set("firstFactors", FirstFactors(tenant));
    }
  }
  if (shape != TenantShape::kRecipes && tenant.required_secondary_factors().factor_ids_size() > 0) {
    object.Set("requiredSecondaryFactors", RequiredFactors(tenant));
  }
  auto core_config = json::Parse(tenant.core_config_json());
  object.Set("coreConfig", core_config.ok() ? *std::move(core_config) : json::Value::Object());
  return object;
}

}  // namespace gatehouse::gateway
