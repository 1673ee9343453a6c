#include "services/saml/redirect_uri.h"

#include <algorithm>
#include <cctype>

#include "libs/base/json.h"
#include "libs/base/strings.h"

namespace gatehouse::saml {
namespace {

constexpr std::string_view kHexDigits = "0123456789ABCDEF";
// RFC 2396, with the brackets of RFC 2732, beside letters and digits.
constexpr std::string_view kUnreserved = "_-!.~'()*";
constexpr std::string_view kInPath = "/;:@&=+$,";
constexpr std::string_view kInQuery = ";/?:@&=+$,[]";

bool IsAlphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// What lies beyond ASCII stays as it is.
bool IsAllowed(char c, std::string_view others) {
  return static_cast<unsigned char>(c) >= 0x80 || IsAlphanumeric(c) ||
         kUnreserved.find(c) != std::string_view::npos || others.find(c) != std::string_view::npos;
}

void AppendEscaped(char c, std::string& out) {
  const auto byte = static_cast<unsigned char>(c);
  out += '%';
  out += kHexDigits[byte >> 4];
  out += kHexDigits[byte & 15];
}

std::string Quote(std::string_view text, std::string_view allowed) {
  std::string quoted;
  for (const char c : text) {
    if (IsAllowed(c, allowed)) {
      quoted += c;
    } else {
      AppendEscaped(c, quoted);
    }
  }
  return quoted;
}

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// nullopt when there is a character that must not be there, or no text comes out.
std::optional<std::string> Decode(std::string_view text, std::string_view allowed) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      if (!IsAllowed(text[i], allowed)) return std::nullopt;
      decoded += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = HexValue(text[i + 1]);
    const int low = HexValue(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    decoded += static_cast<char>(16 * high + low);
    i += 2;
  }
  if (!json::IsValidUtf8(decoded)) return std::nullopt;
  return decoded;
}

bool IsScheme(std::string_view text) {
  if (text.empty() || !std::isalpha(static_cast<unsigned char>(text.front()))) return false;
  for (const char c : text) {
    if (!IsAlphanumeric(c) && c != '+' && c != '-' && c != '.') return false;
  }
  return true;
}

// Removes what follows the first `mark`, and returns it.
std::optional<std::string_view> CutAfter(std::string_view& text, char mark) {
  const size_t at = text.find(mark);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view rest = text.substr(at + 1);
  text = text.substr(0, at);
  return rest;
}

}  // namespace

std::string FormEncode(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    if (IsAlphanumeric(c) || c == '.' || c == '-' || c == '*' || c == '_') {
      encoded += c;
    } else if (c == ' ') {
      encoded += '+';
    } else {
      AppendEscaped(c, encoded);
    }
  }
  return encoded;
}

std::optional<std::string> RedirectWithCode(std::string_view uri, std::string_view code,
                                            const std::optional<std::string>& state) {
  std::string_view rest = uri;
  const std::optional<std::string_view> fragment = CutAfter(rest, '#');
  std::string result;
  const size_t colon = rest.find_first_of(":/?");
  bool opaque = false;
  if (colon != std::string_view::npos && rest[colon] == ':') {
    if (!IsScheme(rest.substr(0, colon))) return std::nullopt;
    result = StrCat(rest.substr(0, colon), ":");
    rest.remove_prefix(colon + 1);
    if (rest.empty()) return std::nullopt;
    opaque = rest.front() != '/';
  }
  // What follows a scheme without a slash is lost, as by the original.
  if (opaque && !Decode(rest, kInQuery).has_value()) return std::nullopt;
  std::string_view path = opaque ? std::string_view() : rest;
  const std::optional<std::string_view> query = CutAfter(path, '?');
  if (path.starts_with("//")) {
    const size_t end = std::min(path.find('/', 2), path.size());
    if (end == 2 || !Decode(path.substr(2, end - 2), kInQuery).has_value()) return std::nullopt;
    result += path.substr(0, end);
    path.remove_prefix(end);
  }
  const std::optional<std::string> plain_path = Decode(path, kInPath);
  const std::optional<std::string> plain_query = Decode(query.value_or(""), kInQuery);
  if (!plain_path.has_value() || !plain_query.has_value()) return std::nullopt;
  std::string parameters = *plain_query;
  if (!parameters.empty()) parameters += '&';
  parameters += StrCat("code=", code);
  if (state.has_value()) parameters += StrCat("&state=", FormEncode(*state));
  result += StrCat(Quote(*plain_path, kInPath), "?", Quote(parameters, kInQuery));
  if (fragment.has_value()) {
    const std::optional<std::string> plain = Decode(*fragment, kInQuery);
    if (!plain.has_value()) return std::nullopt;
    result += StrCat("#", Quote(*plain, kInQuery));
  }
  return result;
}

std::string WithQuery(std::string_view location, std::string_view query) {
  std::string_view rest = location;
  const std::optional<std::string_view> fragment = CutAfter(rest, '#');
  const size_t mark = rest.find('?');
  std::string_view join = "?";
  if (mark != std::string_view::npos) {
    join = rest.ends_with('?') || rest.ends_with('&') ? "" : "&";
  }
  return StrCat(rest, join, query, fragment.has_value() ? "#" : "", fragment.value_or(""));
}

}  // namespace gatehouse::saml
