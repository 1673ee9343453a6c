#include "libs/config/connection_uri.h"

#include <cctype>

#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"

namespace gatehouse::config {
namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::string> PercentDecode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.push_back(text[i]);
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = HexDigit(text[i + 1]);
    const int low = HexDigit(text[i + 2]);
    if (high < 0 || low < 0 || (high == 0 && low == 0)) return std::nullopt;
    out.push_back(static_cast<char>(high * 16 + low));
    i += 2;
  }
  return out;
}

bool HasForbiddenCharacter(std::string_view text) {
  for (unsigned char c : text) {
    if (c <= ' ' || c == 0x7f || c == '"' || c == '<' || c == '>' || c == '\\' || c == '^' ||
        c == '`' || c == '{' || c == '|' || c == '}') {
      return true;
    }
  }
  return false;
}

bool ReadUserInfo(std::string_view text, ConnectionUri& uri) {
  const size_t colon = text.find(':');
  std::optional<std::string> user = PercentDecode(text.substr(0, colon));
  if (!user.has_value()) return false;
  if (!user->empty()) uri.user = std::move(user);
  if (colon == std::string_view::npos) return true;
  std::optional<std::string> password = PercentDecode(text.substr(colon + 1));
  if (!password.has_value()) return false;
  if (!password->empty()) uri.password = std::move(password);
  return true;
}

bool ReadHostAndPort(std::string_view text, ConnectionUri& uri) {
  std::string_view host = text;
  std::string_view port;
  if (!text.empty() && text.front() == '[') {
    const size_t end = text.find(']');
    if (end == std::string_view::npos) return false;
    host = text.substr(1, end - 1);
    if (end + 1 < text.size()) {
      if (text[end + 1] != ':') return false;
      port = text.substr(end + 2);
    }
  } else if (const size_t colon = text.rfind(':'); colon != std::string_view::npos) {
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
    if (host.find(':') != std::string_view::npos) return false;
  }
  std::optional<std::string> decoded = PercentDecode(host);  // a socket's directory is %2Fvar%2Frun
  if (!decoded.has_value()) return false;
  if (!decoded->empty()) uri.host = std::move(decoded);
  if (port.empty()) return true;
  int number = 0;
  if (!absl::SimpleAtoi(absl::string_view(port.data(), port.size()), &number) || number < 1 ||
      number > 65535) {
    return false;
  }
  uri.port = number;
  return true;
}

}  // namespace

std::optional<ConnectionUri> ParseConnectionUri(std::string_view text) {
  if (text.empty() || HasForbiddenCharacter(text)) return std::nullopt;
  ConnectionUri uri;
  const size_t scheme_end = text.find("://");
  if (scheme_end == std::string_view::npos || scheme_end == 0) return std::nullopt;
  uri.scheme = std::string(text.substr(0, scheme_end));
  for (unsigned char c : *uri.scheme) {
    if (!std::isalnum(c) && c != '+' && c != '-' && c != '.') return std::nullopt;
  }
  text.remove_prefix(scheme_end + 3);
  if (const size_t hash = text.find('#'); hash != std::string_view::npos) {
    text = text.substr(0, hash);
  }
  if (const size_t query = text.find('?'); query != std::string_view::npos) {
    if (query + 1 < text.size()) uri.attributes = std::string(text.substr(query + 1));
    text = text.substr(0, query);
  }
  if (const size_t slash = text.find('/'); slash != std::string_view::npos) {
    std::optional<std::string> name = PercentDecode(text.substr(slash + 1));
    if (!name.has_value()) return std::nullopt;
    if (!name->empty()) uri.database_name = std::move(name);
    text = text.substr(0, slash);
  }
  if (const size_t at = text.rfind('@'); at != std::string_view::npos) {
    if (!ReadUserInfo(text.substr(0, at), uri)) return std::nullopt;
    text.remove_prefix(at + 1);
  }
  if (!ReadHostAndPort(text, uri)) return std::nullopt;
  return uri;
}

std::optional<std::string> FindAttribute(std::string_view attributes, std::string_view name) {
  while (!attributes.empty()) {
    const size_t end = attributes.find('&');
    const std::string_view pair = attributes.substr(0, end);
    const size_t equals = pair.find('=');
    if (equals != std::string_view::npos && pair.substr(0, equals) == name) {
      return PercentDecode(pair.substr(equals + 1));
    }
    if (end == std::string_view::npos) break;
    attributes.remove_prefix(end + 1);
  }
  return std::nullopt;
}

}  // namespace gatehouse::config
