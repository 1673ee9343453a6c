#include "libs/base/contact_info.h"

#include <algorithm>
#include <iterator>

namespace gatehouse {
namespace {

// As lenient as the original: longer than E.164 allows, shorter than any subscriber has.
constexpr size_t kMaxDigits = 17;
constexpr size_t kMinNationalDigits = 2;

// Calling codes of three digits, by their first two. Codes 1 and 7 have one digit.
constexpr std::string_view kTwoDigitCodes[] = {
    "20", "27", "30", "31", "32", "33", "34", "36", "39", "40", "41", "43", "44", "45", "46", "47",
    "48", "49", "51", "52", "53", "54", "55", "56", "57", "58", "60", "61", "62", "63", "64", "65",
    "66", "81", "82", "84", "86", "90", "91", "92", "93", "94", "95", "98"};
constexpr std::string_view kThreeDigitPrefixes[] = {"21", "22", "23", "24", "25", "26", "29", "35",
                                                    "37", "38", "42", "50", "59", "67", "68", "69",
                                                    "80", "85", "87", "88", "96", "97", "99"};

template <typename List>
bool Contains(const List& list, std::string_view code) {
  return std::find(std::begin(list), std::end(list), code) != std::end(list);
}

// How many digits of `digits` are the calling code; 0: none.
size_t CallingCodeLength(std::string_view digits) {
  if (digits.starts_with('1') || digits.starts_with('7')) return 1;
  if (digits.size() < 3) return 0;
  if (Contains(kTwoDigitCodes, digits.substr(0, 2))) return 2;
  return Contains(kThreeDigitPrefixes, digits.substr(0, 2)) ? 3 : 0;
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && static_cast<unsigned char>(text.front()) <= ' ') text.remove_prefix(1);
  while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') text.remove_suffix(1);
  return text;
}

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
    if (code == 0x130) {  // a capital I with a dot becomes an i and a dot of its own
      out.append("i\xCC\x87");
      ++i;
      continue;
    }
    if (code >= 0xC0 && code <= 0xDE && code != 0xD7) {
      code += 0x20;
    } else if (code >= 0x391 && code <= 0x3A9 && code != 0x3A2) {
      code += 0x20;
    } else if (code >= 0x410 && code <= 0x42F) {
      code += 0x20;
    } else if (code >= 0x400 && code <= 0x40F) {
      code += 0x50;
    } else if (code >= 0x100 && code <= 0x17F && code != 0x178) {
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

std::string NormaliseEmail(std::string_view email) {
  const std::string_view trimmed = Trim(email);
  std::string lower;
  lower.reserve(trimmed.size());
  AppendLower(trimmed, lower);
  return lower;
}

std::string NormalisePhoneNumber(std::string_view text) {
  const std::string_view trimmed = Trim(text);
  if (!trimmed.starts_with('+')) return std::string(trimmed);
  std::string digits;
  for (char c : trimmed.substr(1)) {
    if (c >= '0' && c <= '9') {
      digits.push_back(c);
    } else if (std::string_view(" ()-./").find(c) == std::string_view::npos) {
      return std::string(trimmed);
    }
  }
  const size_t code = CallingCodeLength(digits);
  if (code == 0 || digits.size() > kMaxDigits || digits.size() < code + kMinNationalDigits) {
    return std::string(trimmed);
  }
  return "+" + digits;
}

}  // namespace gatehouse
