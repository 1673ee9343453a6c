#include "libs/base/contact_info.h"

#include <phonenumbers/phonenumberutil.h>

#include "libs/base/lower_case.h"

namespace gatehouse {
namespace {

// The region of numbers without a country: only those that name their calling code are read.
constexpr char kNoRegion[] = "ZZ";

std::string_view Trim(std::string_view text) {
  while (!text.empty() && static_cast<unsigned char>(text.front()) <= ' ') text.remove_prefix(1);
  while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') text.remove_suffix(1);
  return text;
}

}  // namespace

std::string NormaliseEmail(std::string_view email) { return LowerCase(Trim(email)); }

std::string NormalisePhoneNumber(std::string_view text) {
  using i18n::phonenumbers::PhoneNumber;
  using i18n::phonenumbers::PhoneNumberUtil;
  const std::string trimmed(Trim(text));
  const PhoneNumberUtil& numbers = *PhoneNumberUtil::GetInstance();
  PhoneNumber number;
  if (numbers.Parse(trimmed, kNoRegion, &number) != PhoneNumberUtil::NO_PARSING_ERROR) {
    return trimmed;
  }
  std::string e164;
  numbers.Format(number, PhoneNumberUtil::E164, &e164);
  return e164;
}

}  // namespace gatehouse
