#pragma once

// Refresh tokens: an encrypted payload, a nonce and a type, `<enc>.<nonce>.V2` (formats: 3). Pure
// functions, thread-safe.

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace gatehouse::session {

// The content of a refresh token.
struct RefreshToken {
  std::string session_handle;
  std::string user_id;                      // of the login method, as stored with the session
  std::optional<std::string> parent_hash1;  // of the token that was exchanged for this one
  std::optional<std::string> anti_csrf_token;
  std::string tenant_id = "public";
};

// A new token, encrypted with the app's master key.
std::string SealRefreshToken(const RefreshToken& content, std::string_view master_key);

// InvalidArgument, with a message for the client, for anything that SealRefreshToken with this key
// did not produce.
absl::StatusOr<RefreshToken> OpenRefreshToken(std::string_view token, std::string_view master_key);

// What other tokens contain of a refresh token, and what is stored of that.
std::string Hash1(std::string_view refresh_token);
std::string Hash2OfHash1(std::string_view hash1);

}  // namespace gatehouse::session
