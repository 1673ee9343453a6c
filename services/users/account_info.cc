#include "services/users/account_info.h"

#include <algorithm>

#include "libs/base/strings.h"

namespace gatehouse::users {
namespace {

// The original's addresses for users that sign in without one.
constexpr std::string_view kFakeEmailEndings[] = {"@stfakeemail.supertokens.com",
                                                  ".fakeemail.com"};

// Lower-cases ASCII, Latin-1, Greek and Cyrillic capitals; leaves other characters as they are.
void AppendLower(std::string_view text, std::string& out) {
  for (size_t i = 0; i < text.size(); ++i) {
    const unsigned char c = static_cast<unsigned char>(text[i]);
    if (c >= 'A' && c <= 'Z') {
      out.push_back(static_cast<char>(c + 32));
      continue;
    }
    if (c < 0xC3 || c > 0xD0 || i + 1 >= text.size()) {
      out.push_back(static_cast<char>(c));
      continue;
    }
    const unsigned char next = static_cast<unsigned char>(text[i + 1]);
    unsigned code = ((c & 0x1Fu) << 6) | (next & 0x3Fu);
    if (code >= 0xC0 && code <= 0xDE && code != 0xD7) {
      code += 0x20;
    } else if (code >= 0x391 && code <= 0x3A9 && code != 0x3A2) {
      code += 0x20;
    } else if (code >= 0x410 && code <= 0x42F) {
      code += 0x20;
    } else if (code >= 0x400 && code <= 0x40F) {
      code += 0x50;
    } else if (code >= 0x100 && code <= 0x17F && code != 0x130 && code != 0x178) {
      const bool odd_capitals = (code >= 0x139 && code <= 0x148) || (code >= 0x179 && code <= 0x17E);
      const bool paired = code != 0x131 && code != 0x138 && code != 0x149 && code != 0x17F;
      if (paired && (code % 2 == 1) == odd_capitals) code += 1;
    }
    out.push_back(static_cast<char>(0xC0 | (code >> 6)));
    out.push_back(static_cast<char>(0x80 | (code & 0x3F)));
    ++i;
  }
}

}  // namespace

std::string ThirdPartyInfoValue(std::string_view third_party_id,
                                std::string_view third_party_user_id) {
  return StrCat(third_party_id, "::", third_party_user_id);
}

std::string NormaliseEmail(std::string_view email) {
  while (!email.empty() && static_cast<unsigned char>(email.front()) <= ' ') email.remove_prefix(1);
  while (!email.empty() && static_cast<unsigned char>(email.back()) <= ' ') email.remove_suffix(1);
  std::string lower;
  lower.reserve(email.size());
  AppendLower(email, lower);
  return lower;
}

bool IsFakeEmail(std::string_view normalised_email) {
  return std::any_of(std::begin(kFakeEmailEndings), std::end(kFakeEmailEndings),
                     [&](std::string_view ending) { return normalised_email.ends_with(ending); });
}

bool FitsColumn(std::string_view text, size_t limit) {
  size_t characters = 0;
  for (char c : text) characters += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  return characters <= limit;
}

}  // namespace gatehouse::users
