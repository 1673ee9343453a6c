#include "services/oauth/uri.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/string_view.h"

namespace gatehouse::oauth {
namespace {

bool IsControl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }

bool HasGoodEscapes(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') continue;
    if (i + 2 >= text.size() || !absl::ascii_isxdigit(text[i + 1]) ||
        !absl::ascii_isxdigit(text[i + 2])) {
      return false;
    }
    i += 2;
  }
  return true;
}

// Of a name or address (RFC 3986, 3.2.2); characters beyond US-ASCII are let through.
bool IsHostCharacter(char c) {
  return absl::ascii_isalnum(c) || static_cast<unsigned char>(c) >= 0x80 ||
         std::string_view("-_.~!$&'()*+,;=:[]<>\"").find(c) != std::string_view::npos;
}

bool IsDigits(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return absl::ascii_isdigit(c); });
}

// Takes the scheme off `rest`; false: a colon without a scheme.
bool TakeScheme(std::string_view& rest, std::string& scheme) {
  for (size_t i = 0; i < rest.size(); ++i) {
    const char c = rest[i];
    if (absl::ascii_isalpha(c)) continue;
    if (c == ':') {
      if (i == 0) return false;
      scheme = absl::AsciiStrToLower(absl::string_view(rest.data(), i));
      rest.remove_prefix(i + 1);
      return true;
    }
    if (i == 0 || !(absl::ascii_isdigit(c) || c == '+' || c == '-' || c == '.')) return true;
  }
  return true;
}

bool SplitAuthority(std::string_view authority, Uri& uri) {
  if (const size_t at = authority.rfind('@'); at != std::string_view::npos) {
    const std::string_view user = authority.substr(0, at);
    if (!HasGoodEscapes(user)) return false;
    uri.has_user = !user.empty();
    authority.remove_prefix(at + 1);
  }
  size_t colon = authority.rfind(':');
  if (authority.starts_with('[')) {
    const size_t bracket = authority.rfind(']');
    if (bracket == std::string_view::npos) return false;
    const std::string_view rest = authority.substr(bracket + 1);
    if (!rest.empty() && rest[0] != ':') return false;
    colon = rest.empty() ? std::string_view::npos : bracket + 1;
  }
  if (colon != std::string_view::npos) {
    uri.port = authority.substr(colon + 1);
    if (!IsDigits(uri.port)) return false;
    authority = authority.substr(0, colon);
  }
  // An escape in a name can only stand for what is beyond US-ASCII: none that clients have.
  if (!std::all_of(authority.begin(), authority.end(), IsHostCharacter)) return false;
  uri.host = authority;
  return true;
}

std::optional<Uri> Parse(std::string_view text, bool must_be_absolute) {
  if (std::any_of(text.begin(), text.end(), IsControl)) return std::nullopt;
  Uri uri;
  std::string_view rest = text;
  if (!must_be_absolute) {
    if (const size_t hash = rest.find('#'); hash != std::string_view::npos) {
      uri.fragment = rest.substr(hash + 1);
      if (!HasGoodEscapes(uri.fragment)) return std::nullopt;
      rest = rest.substr(0, hash);
    }
  }
  if (rest.empty() && must_be_absolute) return std::nullopt;
  if (!TakeScheme(rest, uri.scheme)) return std::nullopt;
  if (const size_t mark = rest.find('?'); mark != std::string_view::npos) {
    uri.query = rest.substr(mark + 1);
    rest = rest.substr(0, mark);
  }
  if (!rest.starts_with('/')) {
    if (!uri.scheme.empty()) {
      uri.opaque = rest;
      return uri;
    }
    if (must_be_absolute) return std::nullopt;
    // "a:b" with something before the colon that is no scheme.
    if (rest.substr(0, rest.find('/')).find(':') != std::string_view::npos) return std::nullopt;
  }
  const bool may_have_authority =
      !uri.scheme.empty() || (!must_be_absolute && !rest.starts_with("///"));
  if (may_have_authority && rest.starts_with("//")) {
    rest.remove_prefix(2);
    const size_t slash = rest.find('/');
    if (!SplitAuthority(rest.substr(0, slash), uri)) return std::nullopt;
    rest = slash == std::string_view::npos ? std::string_view() : rest.substr(slash);
  }
  if (!HasGoodEscapes(rest)) return std::nullopt;
  uri.path = rest;
  return uri;
}

}  // namespace

std::optional<Uri> ParseRequestUri(std::string_view text) {
  return Parse(text, /*must_be_absolute=*/true);
}

std::optional<Uri> ParseUriReference(std::string_view text) {
  return Parse(text, /*must_be_absolute=*/false);
}

}  // namespace gatehouse::oauth
