#include "libs/base/lower_case.h"

#include <unicode/locid.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <algorithm>

namespace gatehouse {
namespace {

constexpr char16_t kCapitalSigma = 0x3A3;
constexpr char16_t kSmallSigma = 0x3C3;
constexpr char16_t kFinalSigma = 0x3C2;

enum class Kind {
  kLetter,
  kNumber,
  kMark,    // belongs to the preceding character
  kMiddle,  // joins the letters or numbers around it if it is single
  kOther,   // a separate word
};

Kind KindOf(UChar32 c) {
  switch (c) {
    case '.':
    case ',':
    case '"':
    case '\'':
    case 0xAD:    // soft hyphen
    case 0x66B:   // Arabic decimal separator
    case 0x2027:  // hyphenation point
      return Kind::kMiddle;
    default:
      break;
  }
  const uint32_t category = U_MASK(u_charType(c));
  if (category & (U_GC_PD_MASK | U_GC_PC_MASK)) return Kind::kMiddle;
  if (category & (U_GC_MN_MASK | U_GC_ME_MASK | U_GC_CF_MASK)) return Kind::kMark;
  if (category & (U_GC_ND_MASK | U_GC_NL_MASK | U_GC_NO_MASK)) return Kind::kNumber;
  if (category & (U_GC_L_MASK | U_GC_MC_MASK)) {
    // Java's words ignore uncased letters beyond 16 bits, like those of these blocks.
    if (c > 0xFFFF && (category & U_GC_LO_MASK)) return Kind::kOther;
    switch (ublock_getCode(c)) {
      case UBLOCK_CJK_SYMBOLS_AND_PUNCTUATION:
      case UBLOCK_CJK_UNIFIED_IDEOGRAPHS:
      case UBLOCK_CJK_COMPATIBILITY_IDEOGRAPHS:
      case UBLOCK_HIRAGANA:
      case UBLOCK_KATAKANA:
        return Kind::kOther;
      default:
        return Kind::kLetter;
    }
  }
  return Kind::kOther;
}

// Whether Java treats `c` as a letter with an upper and a lower case.
bool IsCased(UChar32 c) {
  return u_hasBinaryProperty(c, UCHAR_CASED) && u_charType(c) != U_OTHER_LETTER;
}

// Whether `middle` joins two characters of the kind `around`.
bool Joins(UChar32 middle, Kind around) {
  const bool both = middle == '.' || middle == '"' || middle == '\'';
  const bool numbers = middle == ',' || middle == 0x66B;
  return both || (around == Kind::kNumber) == numbers;
}

// The end of the word that begins at `start`.
int32_t WordEnd(const icu::UnicodeString& text, int32_t start) {
  Kind last = Kind::kOther;  // of the last character that is not a mark
  int32_t at = start;
  while (at < text.length()) {
    const UChar32 c = text.char32At(at);
    const int32_t next = text.moveIndex32(at, 1);
    const Kind kind = KindOf(c);
    const bool in_word = last == Kind::kLetter || last == Kind::kNumber;
    if (kind == Kind::kLetter || kind == Kind::kNumber) {
      if (at != start && !in_word) return at;
      last = kind;
    } else if (kind == Kind::kMiddle && in_word) {
      const bool joined =
          next < text.length() && KindOf(text.char32At(next)) == last && Joins(c, last);
      if (!joined) return at;
    } else if (kind != Kind::kMark) {
      return at == start ? next : at;
    }
    at = next;
  }
  return at;
}

// Lower-cases every sigma, so that ICU's rule for it finds none: to the final form if it is the
// last cased letter of its word and not the only one.
void LowerSigmas(icu::UnicodeString& text) {
  for (int32_t start = 0; start < text.length();) {
    const int32_t end = WordEnd(text, start);
    int32_t last_letter = -1;
    bool only_one = true;
    for (int32_t i = start; i < end; i = text.moveIndex32(i, 1)) {
      if (!IsCased(text.char32At(i))) continue;
      only_one = last_letter < 0;
      last_letter = i;
    }
    for (int32_t i = start; i < end; ++i) {
      if (text.charAt(i) != kCapitalSigma) continue;
      text.setCharAt(i, i == last_letter && !only_one ? kFinalSigma : kSmallSigma);
    }
    start = end;
  }
}

}  // namespace

std::string LowerCase(std::string_view text) {
  std::string lower;
  const auto is_ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
  if (std::all_of(text.begin(), text.end(), is_ascii)) {
    lower.assign(text);
    for (char& c : lower) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
    }
    return lower;
  }
  icu::UnicodeString wide =
      icu::UnicodeString::fromUTF8({text.data(), static_cast<int32_t>(text.size())});
  if (wide.indexOf(kCapitalSigma) >= 0) LowerSigmas(wide);
  wide.toLower(icu::Locale::getRoot()).toUTF8String(lower);
  return lower;
}

}  // namespace gatehouse
