#include "services/webauthn/client_data.h"

#include <algorithm>

#include "libs/base/json.h"
#include "libs/base/status.h"
#include "libs/crypto/bytes.h"

namespace gatehouse::webauthn {
namespace {

// What browsers write has about five members, one level deep, or two with token binding.
constexpr json::ParseLimits kLimits = {.max_depth = 8, .max_values = 200};

absl::Status Malformed() {
  return absl::InvalidArgumentError("The client data is not well formed");
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

bool IsHostCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}

// Of `[::1]` the brackets belong to the host.
bool IsHost(std::string_view host) {
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    return host.find_first_not_of("0123456789abcdefABCDEF:.", 1) == host.size() - 1;
  }
  return !host.empty() && std::all_of(host.begin(), host.end(), IsHostCharacter);
}

// -1: none.
int ReadPort(std::string_view digits) {
  if (digits.empty() || digits.size() > 5) return -1;
  int port = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return -1;
    port = 10 * port + (c - '0');
  }
  return port <= 65535 ? port : -1;
}

}  // namespace

absl::StatusOr<ClientData> ReadClientData(std::string_view text) {
  const absl::StatusOr<json::Value> parsed = json::Parse(text, kLimits);
  if (!parsed.ok() || !parsed->is_object()) return Malformed();
  const auto type = parsed->FindString("type");
  const auto challenge = parsed->FindString("challenge");
  const auto origin = parsed->FindString("origin");
  if (!type.has_value() || !challenge.has_value() || !origin.has_value()) return Malformed();
  ClientData data;
  data.type = std::string(*type);
  data.origin = std::string(*origin);
  absl::StatusOr<std::string> bytes = crypto::Base64Decode(*challenge);
  if (!bytes.ok()) return Malformed();
  data.challenge = *std::move(bytes);
  if (const json::Value* cross = parsed->Find("crossOrigin"); cross && !cross->is_null()) {
    if (!cross->is_bool()) return Malformed();
    data.cross_origin = *cross->AsBool();
  }
  if (const json::Value* binding = parsed->Find("tokenBinding"); binding && !binding->is_null()) {
    const auto status = binding->FindString("status");
    if (!status.has_value()) return Malformed();
    data.has_token_binding = *status != "supported" && *status != "not-supported";
  }
  return data;
}

std::optional<WebOrigin> ReadWebOrigin(std::string_view url) {
  const size_t colon = url.find("://");
  if (colon == std::string_view::npos) return std::nullopt;
  WebOrigin origin;
  origin.scheme = Lower(url.substr(0, colon));
  if (origin.scheme != "http" && origin.scheme != "https") return std::nullopt;
  origin.port = origin.scheme == "http" ? 80 : 443;
  std::string_view host = url.substr(colon + 3);
  host = host.substr(0, host.find_first_of("/?#"));
  const size_t last = host.find_last_of(":]");
  if (last != std::string_view::npos && host[last] == ':') {
    const std::string_view port = host.substr(last + 1);
    host = host.substr(0, last);
    if (!port.empty()) origin.port = ReadPort(port);
    if (origin.port < 0) return std::nullopt;
  }
  if (!IsHost(host)) return std::nullopt;
  origin.host = std::string(host);
  return origin;
}

bool IsSameOrigin(std::string_view expected, std::string_view given) {
  if (expected == given) return true;
  const std::optional<WebOrigin> a = ReadWebOrigin(expected);
  const std::optional<WebOrigin> b = ReadWebOrigin(given);
  return a.has_value() && b.has_value() && a->scheme == b->scheme && a->port == b->port &&
         Lower(a->host) == Lower(b->host);
}

}  // namespace gatehouse::webauthn
