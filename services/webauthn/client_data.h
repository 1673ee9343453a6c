#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace gatehouse::webauthn {

// WebAuthn Level 3, 5.8.1: what the browser says about a ceremony, and the authenticator signs.
struct ClientData {
  std::string type;       // "webauthn.create" or "webauthn.get"
  std::string challenge;  // decoded
  std::string origin;
  bool cross_origin = false;
  // The connection was bound to a TLS token; Level 1 and 2. This server knows no token.
  bool has_token_binding = false;
};

// `text` is JSON in UTF-8. InvalidArgument when it is not that, or a member is missing.
absl::StatusOr<ClientData> ReadClientData(std::string_view text);

// The beginning of the origins of Android apps; the hash of their signing certificate follows.
inline constexpr std::string_view kAndroidOrigin = "android:apk-key-hash:";

// A web origin: `http://` or `https://`, a host, perhaps a port.
struct WebOrigin {
  std::string scheme;  // lower-case
  std::string host;    // as it was given
  int port = 0;        // the scheme's, unless another is given
};
// nullopt for what is no such URL, and for one with user information. A path counts for nothing.
std::optional<WebOrigin> ReadWebOrigin(std::string_view url);

// Whether the origin that a browser gives is the expected one: scheme, host and port of web
// origins (the host in any case), all of others.
bool IsSameOrigin(std::string_view expected, std::string_view given);

}  // namespace gatehouse::webauthn
