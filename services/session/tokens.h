#pragma once

// Helpers shared by create, verify, refresh and regenerate.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "gatehouse/session/v1/session_service.pb.h"
#include "libs/config/core_config.h"
#include "services/session/access_token.h"
#include "services/session/key_cache.h"

namespace gatehouse::session {

inline constexpr std::string_view kProtectedClaimMessage =
    "The user payload contains protected field";

// BAD_INPUT unless it is a version that is minted.
absl::StatusOr<TokenVersion> MintedVersion(v1::AccessTokenVersion version);

// JSON text of an object that a caller sent; BAD_INPUT otherwise.
absl::StatusOr<json::Value> ParseUserData(std::string_view text, std::string_view field);

// JSON text of an object from the database; an unreadable one counts as `{}`.
json::Value StoredUserData(std::string_view text);

// BAD_INPUT when `user_data` contains something that no token of this version can carry.
absl::Status CheckUserData(TokenVersion version, const json::Value& user_data);

// BAD_INPUT unless 0 < validity <= the configured one.
absl::Status CheckValidity(const config::CoreConfig& config, std::optional<int64_t> validity_ms);

// How long a freshly minted access token lives: as asked for, or as configured less a random part
// of up to the configured jitter.
int64_t FreshValidityMs(const config::CoreConfig& config, std::optional<int64_t> asked_ms);

// Signs and fills `out`.
absl::Status Mint(const AccessToken& content, const SigningKey& key, v1::Token& out);

void FillToken(std::string token, int64_t expiry_ms, int64_t created_ms, v1::Token& out);

// `user_data_json`: its user data, as Serialize writes them.
void FillSession(const AccessToken& content, std::string user_data_json, v1::Session& out);
void FillSession(const AccessToken& content, v1::Session& out);

}  // namespace gatehouse::session
