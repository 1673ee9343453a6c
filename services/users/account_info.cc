#include "services/users/account_info.h"

#include <algorithm>

#include "libs/base/strings.h"
#include "libs/base/utf8.h"

namespace gatehouse::users {
namespace {

// The original's made-up addresses for users that sign in without one.
constexpr std::string_view kFakeEmailEndings[] = {"@stfakeemail.supertokens.com",
                                                  ".fakeemail.com"};

}  // namespace

std::string ThirdPartyInfoValue(std::string_view third_party_id,
                                std::string_view third_party_user_id) {
  return StrCat(third_party_id, "::", third_party_user_id);
}

bool IsFakeEmail(std::string_view normalised_email) {
  return std::any_of(std::begin(kFakeEmailEndings), std::end(kFakeEmailEndings),
                     [&](std::string_view ending) { return normalised_email.ends_with(ending); });
}

bool FitsColumn(std::string_view text, size_t limit) {
  return CountCharacters(text) <= limit;
}

}  // namespace gatehouse::users
