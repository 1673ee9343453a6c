#pragma once

#include "absl/status/statusor.h"
#include "gatehouse/tenants/v1/tenants_service.pb.h"
#include "gatehouse/tenants/v1/third_party_provider.pb.h"
#include "libs/base/json.h"

namespace gatehouse::gateway {

// The three shapes in which a tenant is shown (formats.md 9.7).
enum class TenantShape {
  kRecipes,            // v1 below CDI 5.0
  kRecipesAndFactors,  // v1 from CDI 5.0
  kFactors,            // v2
};

json::Value TenantToJson(const tenants::v1::TenantWithProviders& tenant, TenantShape shape);

// Unset members are left out; the SDKs treat null as a value.
json::Value ProviderToJson(const tenants::v1::ThirdPartyProvider& provider);
// Reads values like Gson: a number or a boolean is accepted as a string. BAD_INPUT, beginning with
// `Invalid third party config: `, when one can't be read.
absl::StatusOr<tenants::v1::ThirdPartyProvider> ProviderFromJson(const json::Value& config);

}  // namespace gatehouse::gateway
