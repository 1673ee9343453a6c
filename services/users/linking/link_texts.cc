#include "services/users/linking/link_texts.h"

#include "libs/base/strings.h"
#include "services/users/account_info.h"

namespace gatehouse::users {

std::string AccountInfoTakenText(std::string_view info_type) {
  const std::string_view what = info_type == kPhoneInfo        ? "phone number"
                                : info_type == kThirdPartyInfo ? "third party login"
                                                               : "email";
  return StrCat("This user's ", what, " is already associated with another user ID");
}

std::string AssociationNotAllowedText(std::string_view info_type, std::string_view other_id) {
  const std::string_view what = info_type == kPhoneInfo        ? "phone number"
                                : info_type == kThirdPartyInfo ? "third party info"
                                                               : "email";
  return StrCat("Another primary user with ", what, " already exists: ", other_id);
}

}  // namespace gatehouse::users
