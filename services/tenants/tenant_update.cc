#include "services/tenants/tenant_update.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <string_view>
#include <utility>

#include "libs/base/json.h"
#include "libs/base/problem.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/config/tenant_config_rules.h"

namespace gatehouse::tenants {
namespace {

using Factors = std::optional<std::vector<std::string>>;  // nullopt: null

// A sign-in recipe: its switch in the tenant and in requests, and the factors it serves.
struct Recipe {
  std::string_view name;
  std::vector<std::string_view> factors;
  bool (v1::Tenant::*enabled)() const;
  void (v1::Tenant::*set_enabled)(bool);
  bool (v1::UpsertTenantRequest::*given)() const;
  bool (v1::UpsertTenantRequest::*value)() const;

  std::optional<bool> Wanted(const v1::UpsertTenantRequest& request) const {
    if (!(request.*given)()) return std::nullopt;
    return (request.*value)();
  }
  bool Serves(std::string_view factor) const {
    return std::find(factors.begin(), factors.end(), factor) != factors.end();
  }
  bool ServesAny(const std::vector<std::string>& ids) const {
    return std::any_of(ids.begin(), ids.end(), [&](const auto& id) { return Serves(id); });
  }
};

const std::array<Recipe, 3>& Recipes() {
  using Request = v1::UpsertTenantRequest;
  static const auto& recipes = *new std::array<Recipe, 3>{
      Recipe{"emailPassword",
             {"emailpassword"},
             &v1::Tenant::email_password_enabled,
             &v1::Tenant::set_email_password_enabled,
             &Request::has_email_password_enabled,
             &Request::email_password_enabled},
      Recipe{"thirdParty",
             {"thirdparty"},
             &v1::Tenant::third_party_enabled,
             &v1::Tenant::set_third_party_enabled,
             &Request::has_third_party_enabled,
             &Request::third_party_enabled},
      Recipe{"passwordless",
             {"otp-phone", "otp-email", "link-phone", "link-email"},
             &v1::Tenant::passwordless_enabled,
             &v1::Tenant::set_passwordless_enabled,
             &Request::has_passwordless_enabled,
             &Request::passwordless_enabled},
  };
  return recipes;
}

constexpr size_t kAllFactors = 6;  // of all recipes together

Factors ReadFactors(bool set, const v1::FactorList& list) {
  if (!set) return std::nullopt;
  return std::vector<std::string>(list.factor_ids().begin(), list.factor_ids().end());
}
Factors FirstFactors(const v1::Tenant& tenant) {
  return ReadFactors(tenant.has_first_factors(), tenant.first_factors());
}
Factors SecondaryFactors(const v1::Tenant& tenant) {
  return ReadFactors(tenant.has_required_secondary_factors(), tenant.required_secondary_factors());
}
void SetFirstFactors(v1::Tenant& tenant, const Factors& factors) {
  tenant.clear_first_factors();
  if (!factors.has_value()) return;
  v1::FactorList* list = tenant.mutable_first_factors();
  for (const std::string& id : *factors) list->add_factor_ids(id);
}
// An empty list is not distinguished from null: there is no column for it.
void SetSecondaryFactors(v1::Tenant& tenant, const Factors& factors) {
  tenant.clear_required_secondary_factors();
  if (!factors.has_value() || factors->empty()) return;
  v1::FactorList* list = tenant.mutable_required_secondary_factors();
  for (const std::string& id : *factors) list->add_factor_ids(id);
}

void AddFactors(std::vector<std::string>& ids, const Recipe& recipe) {
  for (const std::string_view factor : recipe.factors) {
    if (std::find(ids.begin(), ids.end(), factor) == ids.end()) ids.emplace_back(factor);
  }
}
void RemoveFactors(std::vector<std::string>& ids, const Recipe& recipe) {
  std::erase_if(ids, [&](const std::string& id) { return recipe.Serves(id); });
}

// Style v1 below 5.0: switching a recipe on or off adds or removes its factors. The flag itself is
// only ever switched on.
void ApplyRecipes(v1::Tenant& tenant, const v1::UpsertTenantRequest& request) {
  const Factors before = FirstFactors(tenant);
  Factors factors = before;
  bool any_off = false;
  for (const Recipe& recipe : Recipes()) {
    const std::optional<bool> wanted = recipe.Wanted(request);
    const bool was_on =
        (tenant.*recipe.enabled)() && (!before.has_value() || recipe.ServesAny(*before));
    if (wanted == true && !was_on) {
      (tenant.*recipe.set_enabled)(true);
      if (factors.has_value()) AddFactors(*factors, recipe);
    }
    any_off = any_off || !(tenant.*recipe.enabled)() || wanted == false;
  }
  if (!factors.has_value() && any_off) {
    factors.emplace();
    for (const Recipe& recipe : Recipes()) AddFactors(*factors, recipe);
  }
  if (!factors.has_value()) return;
  for (const Recipe& recipe : Recipes()) {
    if (!(tenant.*recipe.enabled)() || recipe.Wanted(request) == false) {
      RemoveFactors(*factors, recipe);
    }
  }
  SetFirstFactors(tenant, factors);
}

absl::Status CheckNoContradiction(const v1::UpsertTenantRequest& request) {
  const auto contains = [](const v1::FactorList& list, std::string_view factor) {
    return std::find(list.factor_ids().begin(), list.factor_ids().end(), factor) !=
           list.factor_ids().end();
  };
  for (const Recipe& recipe : Recipes()) {
    if (recipe.Wanted(request) != false) continue;
    const std::pair<std::string_view, const v1::FactorList*> lists[] = {
        {"firstFactors", &request.first_factors()},
        {"requiredSecondaryFactors", &request.required_secondary_factors()}};
    for (const auto& [field, list] : lists) {
      for (const std::string_view factor : recipe.factors) {
        if (!contains(*list, factor)) continue;
        return BadInput(Problem::kContradiction,
                        StrCat("Invalid core config: ", field, " should not contain '", factor,
                               "' because ", recipe.name, " is disabled for the tenant."),
                        {{"field", std::string(field)}});
      }
    }
  }
  return absl::OkStatus();
}

bool IsOnSince5_0(const v1::Tenant& tenant, const Recipe& recipe) {
  return (tenant.*recipe.enabled)() &&
         (!tenant.has_first_factors() || tenant.first_factors().factor_ids_size() > 0);
}

// `ids` without the factors of the recipes that the request switches off.
std::vector<std::string> WithoutSwitchedOff(std::vector<std::string> ids,
                                            const v1::UpsertTenantRequest& request) {
  for (const Recipe& recipe : Recipes()) {
    if (recipe.Wanted(request) == false) RemoveFactors(ids, recipe);
  }
  return ids;
}

// Style v1 from 5.0: recipes and factors side by side, each change pulling the other along.
absl::Status ApplyRecipesAndFactors(v1::Tenant& tenant, const v1::UpsertTenantRequest& request) {
  RETURN_IF_ERROR(CheckNoContradiction(request));

  // Switching a recipe on in a tenant without any first factor starts from nothing.
  const bool switches_on =
      std::any_of(Recipes().begin(), Recipes().end(), [&](const Recipe& recipe) {
        return recipe.Wanted(request) == true && !IsOnSince5_0(tenant, recipe);
      });
  if (switches_on && tenant.has_first_factors() && tenant.first_factors().factor_ids_size() == 0) {
    for (const Recipe& recipe : Recipes()) (tenant.*recipe.set_enabled)(false);
    tenant.clear_first_factors();
  }

  const v1::Tenant before = tenant;
  const Factors first_before = FirstFactors(before);
  const Factors secondary_before = SecondaryFactors(before);
  std::optional<Factors> first;      // nullopt: unchanged
  std::optional<Factors> secondary;  // likewise

  for (const Recipe& recipe : Recipes()) {
    const std::optional<bool> wanted = recipe.Wanted(request);
    if (wanted.has_value()) (tenant.*recipe.set_enabled)(*wanted);
  }
  if (first_before.has_value()) {
    std::vector<std::string> kept = WithoutSwitchedOff(*first_before, request);
    if (kept.size() != first_before->size()) first = std::move(kept);
  }
  if (secondary_before.has_value()) {
    std::vector<std::string> kept = WithoutSwitchedOff(*secondary_before, request);
    if (kept.size() != secondary_before->size()) secondary = std::move(kept);
  }
  if (request.set_first_factors()) {
    first = ReadFactors(request.has_first_factors(), request.first_factors());
  }
  if (request.set_required_secondary_factors()) {
    const Factors given =
        ReadFactors(request.has_required_secondary_factors(), request.required_secondary_factors());
    secondary = given;
    // A second factor that enables its recipe must not make it a first factor too: so the meaning
    // that "no first factors set" had until now is written down.
    const bool enables_some =
        given.has_value() &&
        std::any_of(Recipes().begin(), Recipes().end(), [&](const Recipe& recipe) {
          return recipe.ServesAny(*given) && !IsOnSince5_0(before, recipe) &&
                 recipe.Wanted(request) != true;
        });
    if (enables_some && !request.set_first_factors() && !first_before.has_value()) {
      std::vector<std::string> ids;
      for (const Recipe& recipe : Recipes()) {
        const std::optional<bool> wanted = recipe.Wanted(request);
        if (wanted.value_or((before.*recipe.enabled)())) AddFactors(ids, recipe);
      }
      if (ids.size() < kAllFactors) first = std::move(ids);
    }
  }
  if (first.has_value()) SetFirstFactors(tenant, *first);
  if (secondary.has_value()) SetSecondaryFactors(tenant, *secondary);

  for (const Recipe& recipe : Recipes()) {
    const Factors now_first = FirstFactors(tenant);
    const Factors now_secondary = SecondaryFactors(tenant);
    if ((now_first.has_value() && recipe.ServesAny(*now_first)) ||
        (now_secondary.has_value() && recipe.ServesAny(*now_secondary))) {
      (tenant.*recipe.set_enabled)(true);
    }
  }
  return absl::OkStatus();
}

// Style v2: recipes are all on; only factors determine what is allowed.
void ApplyFactors(v1::Tenant& tenant, const v1::UpsertTenantRequest& request) {
  if (!request.set_first_factors() && !request.set_required_secondary_factors()) return;
  if (!tenant.has_first_factors()) {
    std::vector<std::string> ids;
    for (const Recipe& recipe : Recipes()) {
      if ((tenant.*recipe.enabled)()) AddFactors(ids, recipe);
    }
    if (ids.size() < kAllFactors) SetFirstFactors(tenant, ids);
  }
  for (const Recipe& recipe : Recipes()) (tenant.*recipe.set_enabled)(true);
  if (request.set_first_factors()) {
    SetFirstFactors(tenant, ReadFactors(request.has_first_factors(), request.first_factors()));
  }
  if (request.set_required_secondary_factors()) {
    SetSecondaryFactors(tenant, ReadFactors(request.has_required_secondary_factors(),
                                            request.required_secondary_factors()));
  }
}

absl::Status CheckFactorNames(std::string_view field, const v1::FactorList& list) {
  for (const std::string& id : list.factor_ids()) {
    const bool valid = !id.empty() && std::all_of(id.begin(), id.end(), [](unsigned char c) {
      return std::isalnum(c) != 0 || c == '_' || c == '(' || c == '.' || c == ')' || c == '-';
    });
    if (!valid) {
      return BadInput(Problem::kMalformed,
                      StrCat(field, " should contain only 0-9,a-z,A-Z,_,.,- characters"),
                      {{"field", std::string(field)}});
    }
  }
  return absl::OkStatus();
}

constexpr std::string_view kPublic = "public";

}  // namespace

v1::Tenant NewTenant(const common::v1::Scope& target, v1::UpsertStyle style) {
  v1::Tenant tenant;
  *tenant.mutable_scope() = target;
  tenant.set_core_config_json("{}");
  const bool is_public = target.tenant_id() == kPublic;
  const bool on = is_public || style == v1::UPSERT_STYLE_FACTORS;
  for (const Recipe& recipe : Recipes()) (tenant.*recipe.set_enabled)(on);
  if (!is_public && style != v1::UPSERT_STYLE_RECIPES_AND_FACTORS) tenant.mutable_first_factors();
  return tenant;
}

absl::StatusOr<v1::Tenant> ApplyUpdate(v1::Tenant current, const v1::UpsertTenantRequest& request) {
  if (request.has_core_config_json()) {
    ASSIGN_OR_RETURN(const json::Value stored, json::Parse(current.core_config_json()));
    ASSIGN_OR_RETURN(const json::Value update, json::Parse(request.core_config_json()));
    current.set_core_config_json(json::Serialize(config::MergeCoreConfig(stored, update)));
  }
  switch (request.style()) {
    case v1::UPSERT_STYLE_RECIPES:
      ApplyRecipes(current, request);
      break;
    case v1::UPSERT_STYLE_RECIPES_AND_FACTORS:
      RETURN_IF_ERROR(ApplyRecipesAndFactors(current, request));
      break;
    case v1::UPSERT_STYLE_FACTORS:
      ApplyFactors(current, request);
      break;
    default:
      return BadInput(Problem::kMissing, "style is not set", {{"field", "style"}});
  }
  RETURN_IF_ERROR(CheckFactorNames("firstFactors", current.first_factors()));
  RETURN_IF_ERROR(
      CheckFactorNames("requiredSecondaryFactors", current.required_secondary_factors()));
  return current;
}

absl::Status CheckMigrationStep(const config::MigrationMode* from, config::MigrationMode to) {
  using Mode = config::MigrationMode;
  if (from != nullptr && *from == to) return absl::OkStatus();
  // Writes to the old tables have ended: reading them now would show an old state.
  if (from != nullptr && *from == Mode::kMigrated) {
    return BadInput(
        Problem::kCoreConfig,
        StrCat("Invalid core config: migration_mode is currently MIGRATED, which is terminal. Old "
               "tables are stale and cannot be re-introduced into the read path without first "
               "being repopulated out of band. Refusing transition to ",
               config::MigrationModeName(to), "."));
  }
  if (to == Mode::kMigrated || to == Mode::kDualWriteReadNew) return absl::OkStatus();
  return BadInput(Problem::kCoreConfig,
                  StrCat("Invalid core config: migration_mode ", config::MigrationModeName(to),
                         " is not available: this server reads the new tables only. Use "
                         "DUAL_WRITE_READ_NEW or MIGRATED"),
                  {{"field", "migration_mode"}});
}

static absl::Status CheckLength(std::string_view what, const std::string& name, size_t limit) {
  if (name.size() <= limit) return absl::OkStatus();
  return BadInput(Problem::kTooLong,
                  StrCat(what, " must not be longer than ", std::to_string(limit), " characters"),
                  {{"field", std::string(what)}, {"max_characters", std::to_string(limit)}});
}

absl::Status CheckNameLengths(const common::v1::Scope& target) {
  RETURN_IF_ERROR(CheckLength("connectionUriDomain", target.connection_uri_domain(), 256));
  RETURN_IF_ERROR(CheckLength("appId", target.app_id(), 64));
  return CheckLength("tenantId", target.tenant_id(), 64);
}

}  // namespace gatehouse::tenants
