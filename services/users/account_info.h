#pragma once

#include <string>
#include <string_view>

#include "libs/base/contact_info.h"

namespace gatehouse::users {

// Recipes by their stored names.
inline constexpr std::string_view kEmailPasswordRecipe = "emailpassword";
inline constexpr std::string_view kThirdPartyRecipe = "thirdparty";
inline constexpr std::string_view kPasswordlessRecipe = "passwordless";
inline constexpr std::string_view kWebauthnRecipe = "webauthn";

// Kinds of account info by their stored names.
inline constexpr std::string_view kEmailInfo = "email";
inline constexpr std::string_view kPhoneInfo = "phone";
inline constexpr std::string_view kThirdPartyInfo = "tparty";

// What makes a login method unique in a tenant.
struct AccountInfo {
  std::string type;   // one of the kinds above
  std::string value;  // for kThirdPartyInfo "<provider's id>::<user's id there>"
};

// The value of a third-party identity's kThirdPartyInfo.
std::string ThirdPartyInfoValue(std::string_view third_party_id,
                                std::string_view third_party_user_id);

// Whether the address was made up for a user without one; such addresses count as verified.
bool IsFakeEmail(std::string_view normalised_email);

// Whether a text fits in VARCHAR(limit), which counts characters. `text` is UTF-8.
bool FitsColumn(std::string_view text, size_t limit);

}  // namespace gatehouse::users
