#include <array>
#include <cstdint>
#include <cstring>

#include "libs/base/json.h"

namespace gatehouse::json {
namespace {

constexpr char kHex[] = "0123456789abcdef";

// 0: unchanged. 'u': \u00XX. 'h': \u00XX in HTML-safe style only. 'x': may begin U+2028 or U+2029.
// Anything else: the letter after the backslash.
constexpr std::array<char, 256> MakeEscapes() {
  std::array<char, 256> table{};
  for (int c = 0; c < 0x20; ++c) table[c] = 'u';
  table['\n'] = 'n';
  table['\r'] = 'r';
  table['\t'] = 't';
  table['\b'] = 'b';
  table['\f'] = 'f';
  table['"'] = '"';
  table['\\'] = '\\';
  for (unsigned char c : {'<', '>', '&', '=', '\''}) table[c] = 'h';
  table[0xE2] = 'x';
  return table;
}
constexpr std::array<char, 256> kEscapes = MakeEscapes();

// Whether none of eight bytes could need an escape, apart from those of kGsonHtmlSafe: none is a
// control character, a quote, a backslash, or outside ASCII. A byte of `(x - n) & ~x` has its
// highest bit where a byte of x is below n, or above a byte for which that is so.
bool ArePlain(const char* eight) {
  constexpr uint64_t kOnes = 0x0101010101010101;
  constexpr uint64_t kHighest = 0x8080808080808080;
  uint64_t x;
  std::memcpy(&x, eight, sizeof(x));
  const uint64_t quotes = x ^ (kOnes * '"');
  const uint64_t backslashes = x ^ (kOnes * '\\');
  const uint64_t found = ((x - kOnes * 0x20) & ~x) | ((quotes - kOnes) & ~quotes) |
                         ((backslashes - kOnes) & ~backslashes) | x;
  return (found & kHighest) == 0;
}

void Write(const Value& value, std::string& out, Style style) {
  switch (value.type()) {
    case Value::Type::kNull:
      out += "null";
      return;
    case Value::Type::kBool:
      out += *value.AsBool() ? "true" : "false";
      return;
    case Value::Type::kNumber:
      out += *value.AsNumberText();
      return;
    case Value::Type::kString:
      AppendQuoted(*value.AsString(), out, style);
      return;
    case Value::Type::kArray: {
      out += '[';
      bool first = true;
      for (const Value& v : value.elements()) {
        if (!first) out += ',';
        first = false;
        Write(v, out, style);
      }
      out += ']';
      return;
    }
    case Value::Type::kObject: {
      out += '{';
      bool first = true;
      for (const Member& m : value.members()) {
        if (style == Style::kGsonHtmlSafe && m.value.is_null()) continue;
        if (!first) out += ',';
        first = false;
        AppendQuoted(m.key, out, style);
        out += ':';
        Write(m.value, out, style);
      }
      out += '}';
      return;
    }
  }
}

}  // namespace

void AppendEscaped(std::string_view text, std::string& out, Style style) {
  size_t done = 0;
  const bool by_eight = style == Style::kPlain;
  for (size_t i = 0; i < text.size(); ++i) {
    while (by_eight && i + 8 <= text.size() && ArePlain(text.data() + i)) i += 8;
    if (i == text.size()) break;
    const unsigned char c = static_cast<unsigned char>(text[i]);
    const char escape = kEscapes[c];
    if (escape == 0 || (escape == 'h' && style != Style::kGsonHtmlSafe)) continue;
    if (escape == 'x') {
      // JavaScript used to treat these two as line ends; Gson escapes them in every style.
      const std::string_view three = text.substr(i, 3);
      if (three != "\xE2\x80\xA8" && three != "\xE2\x80\xA9") continue;
      out.append(text, done, i - done);
      out += three[2] == '\xA8' ? "\\u2028" : "\\u2029";
      i += 2;
    } else {
      out.append(text, done, i - done);
      out += '\\';
      if (escape == 'u' || escape == 'h') {
        out += "u00";
        out += kHex[c >> 4];
        out += kHex[c & 15];
      } else {
        out += escape;
      }
    }
    done = i + 1;
  }
  out.append(text, done, text.size() - done);
}

void AppendQuoted(std::string_view text, std::string& out, Style style) {
  out += '"';
  AppendEscaped(text, out, style);
  out += '"';
}

void SerializeTo(const Value& value, std::string& out, Style style) { Write(value, out, style); }

std::string Serialize(const Value& value, Style style) {
  std::string out;
  Write(value, out, style);
  return out;
}

}  // namespace gatehouse::json
