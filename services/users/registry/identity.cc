#include "services/users/registry/identity.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "libs/base/problem.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"

namespace gatehouse::users {
namespace {

// Widths of the columns.
constexpr size_t kMaxContact = 256;
constexpr size_t kMaxThirdPartyId = 28;
constexpr size_t kMaxThirdPartyUserId = 256;

// What the registry knows of a recipe: the kinds of account info of which its login methods have
// one as their key. Who adds a recipe adds a row.
struct Recipe {
  std::string_view id;
  std::array<std::string_view, 2> keys;
};
constexpr Recipe kRecipes[] = {
    {kEmailPasswordRecipe, {kEmailInfo}},
    {kThirdPartyRecipe, {kThirdPartyInfo}},
    {kPasswordlessRecipe, {kEmailInfo, kPhoneInfo}},
    {kWebauthnRecipe, {kEmailInfo}},
};

absl::Status CheckWidth(std::string_view field, std::string_view value, size_t limit) {
  if (FitsColumn(value, limit)) return absl::OkStatus();
  const std::string max = std::to_string(limit);
  return BadInput(Problem::kTooLong,
                  StrCat(field, " must not be longer than ", max, " characters"),
                  {{"field", std::string(field)}, {"max_characters", max}});
}

}  // namespace

absl::StatusOr<std::vector<IdentityRow>> RowsOf(const Identity& identity) {
  const auto recipe = std::find_if(std::begin(kRecipes), std::end(kRecipes),
                                   [&](const Recipe& one) { return one.id == identity.recipe_id; });
  if (recipe == std::end(kRecipes)) {
    return BadInput(Problem::kUnsupported, "The registry does not know this recipe",
                    {{"field", "recipe_id"}});
  }
  std::vector<IdentityRow> rows;
  if (identity.third_party.has_value()) {
    const auto& [id, user_id] = *identity.third_party;
    RETURN_IF_ERROR(CheckWidth("thirdPartyId", id, kMaxThirdPartyId));
    RETURN_IF_ERROR(CheckWidth("thirdPartyUserId", user_id, kMaxThirdPartyUserId));
    rows.push_back({{std::string(kThirdPartyInfo), ThirdPartyInfoValue(id, user_id)}, {}});
  }
  if (identity.email.has_value()) {
    RETURN_IF_ERROR(CheckWidth("email", *identity.email, kMaxContact));
    rows.push_back({{std::string(kEmailInfo), *identity.email},
                    identity.third_party.value_or(ThirdPartyId())});
  }
  if (identity.phone_number.has_value()) {
    RETURN_IF_ERROR(CheckWidth("phoneNumber", *identity.phone_number, kMaxContact));
    rows.push_back({{std::string(kPhoneInfo), *identity.phone_number}, {}});
  }
  const auto key = std::find_if(rows.begin(), rows.end(), [&](const IdentityRow& row) {
    return std::find(recipe->keys.begin(), recipe->keys.end(), row.info.type) != recipe->keys.end();
  });
  if (key == rows.end()) {
    return BadInput(Problem::kMissing,
                    "The identity has nothing that its recipe knows login methods by",
                    {{"field", "identity"}});
  }
  std::rotate(rows.begin(), key, key + 1);
  return rows;
}

v1::User NewUser(const Where& scope, const NewIdentity& signed_up) {
  const Identity& identity = signed_up.identity;
  v1::User user;
  user.set_id(signed_up.user_id);
  user.set_supertokens_user_id(signed_up.user_id);
  user.set_time_joined_ms(signed_up.time_joined_ms);
  user.add_tenant_ids(scope.tenant_id());
  v1::LoginMethod& method = *user.add_login_methods();
  method.set_recipe_user_id(signed_up.user_id);
  method.set_supertokens_user_id(signed_up.user_id);
  method.set_recipe_id(identity.recipe_id);
  if (identity.email.has_value()) method.set_email(*identity.email);
  if (identity.phone_number.has_value()) method.set_phone_number(*identity.phone_number);
  if (identity.third_party.has_value()) {
    method.mutable_third_party()->set_id(identity.third_party->id);
    method.mutable_third_party()->set_user_id(identity.third_party->user_id);
  }
  method.set_time_joined_ms(signed_up.time_joined_ms);
  // A phone number is only ever stored after its owner proved to have it.
  method.set_verified(signed_up.email_verified || !identity.email.has_value());
  method.add_tenant_ids(scope.tenant_id());
  return user;
}

}  // namespace gatehouse::users
