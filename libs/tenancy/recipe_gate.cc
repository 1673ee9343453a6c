#include "libs/tenancy/recipe_gate.h"

#include <algorithm>

#include "libs/base/problem.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"

namespace gatehouse::tenancy {

absl::Status CheckRecipeGate(const Tenant& tenant, common::v1::RecipeGate gate,
                             const GatedRecipe& recipe) {
  if (gate == common::v1::RECIPE_GATE_UNSPECIFIED) return absl::OkStatus();
  bool allowed = recipe.enabled;
  if (tenant.record.has_first_factors()) {
    const auto& listed = tenant.record.first_factors().factor_ids();
    allowed =
        allowed && (gate == common::v1::RECIPE_GATE_FIVE_ZERO
                        ? !listed.empty()
                        : std::find_first_of(listed.begin(), listed.end(), recipe.factors.begin(),
                                             recipe.factors.end()) != listed.end());
  }
  if (allowed) return absl::OkStatus();
  return Forbidden(Problem::kLoginMethodDisabled,
                   StrCat(recipe.name, " login not enabled for tenant"),
                   {{"recipe", std::string(recipe.id)}});
}

}  // namespace gatehouse::tenancy
