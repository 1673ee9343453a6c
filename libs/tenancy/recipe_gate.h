#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "gatehouse/common/v1/recipe_gate.pb.h"
#include "libs/tenancy/tenant.h"

namespace gatehouse::tenancy {

// A recipe as tenants' settings know it.
struct GatedRecipe {
  std::string_view id;                    // "thirdparty": what problems name
  std::string_view name;                  // "ThirdParty": in the text for clients
  bool enabled;                           // the tenant's flag
  std::vector<std::string_view> factors;  // any of them, as a first factor, lets it in
};

// kForbidden when the tenant's settings forbid the recipe (formats.md 9.7).
absl::Status CheckRecipeGate(const Tenant& tenant, common::v1::RecipeGate gate,
                             const GatedRecipe& recipe);

}  // namespace gatehouse::tenancy
