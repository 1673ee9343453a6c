#include "services/session/refresh_token.h"

#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "libs/base/json.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/crypto/aes_envelope.h"
#include "libs/crypto/bytes.h"
#include "libs/crypto/digest.h"

namespace gatehouse::session {
namespace {

constexpr std::string_view kType = "V2";

absl::Status Invalid(std::string_view message) {
  return absl::InvalidArgumentError(std::string(message));
}

// Stops after more parts than a token has.
std::vector<std::string_view> Split(std::string_view token) {
  constexpr size_t kMaxParts = 4;
  std::vector<std::string_view> parts;
  while (parts.size() + 1 < kMaxParts) {
    const size_t dot = token.find('.');
    if (dot == std::string_view::npos) break;
    parts.push_back(token.substr(0, dot));
    token.remove_prefix(dot + 1);
  }
  parts.push_back(token);
  return parts;
}

bool IsKnownType(std::string_view type) {
  const std::string upper = absl::AsciiStrToUpper(std::string(type));
  return upper == "V0" || upper == "V1" || upper == "V2";
}

std::optional<std::string> OptString(const json::Value& object, std::string_view key) {
  const auto text = object.FindString(key);
  return text.has_value() ? std::optional<std::string>(*text) : std::nullopt;
}

json::Value OrNull(const std::optional<std::string>& text) {
  return text.has_value() ? json::Value(*text) : json::Value::Null();
}

}  // namespace

std::string SealRefreshToken(const RefreshToken& content, std::string_view master_key) {
  const std::string nonce = crypto::Sha256Hex(crypto::NewUuid4());
  const bool is_public = content.tenant_id == "public";
  std::string payload = json::Serialize(
      json::Value::Object(
          {{"sessionHandle", content.session_handle},
           {"userId", content.user_id},
           {"parentRefreshTokenHash1", OrNull(content.parent_hash1)},
           {"nonce", nonce},
           {"antiCsrfToken", OrNull(content.anti_csrf_token)},
           {"tenantId", is_public ? json::Value::Null() : json::Value(content.tenant_id)}}),
      json::Style::kGsonHtmlSafe);
  return StrCat(crypto::Encrypt(payload, master_key), ".", nonce, ".", kType);
}

absl::StatusOr<RefreshToken> OpenRefreshToken(std::string_view token, std::string_view master_key) {
  const std::vector<std::string_view> parts = Split(token);
  if (!IsKnownType(parts.back())) return Invalid("version of refresh token not recognised");
  if (parts.size() != 3) return Invalid("Invalid refresh token");
  const auto decrypted = crypto::Decrypt(parts[0], master_key);
  if (!decrypted.ok()) return Invalid("Invalid refresh token");
  const auto payload = json::Parse(*decrypted);
  if (!payload.ok() || !payload->is_object()) return Invalid("Invalid refresh token");

  RefreshToken content;
  auto handle = OptString(*payload, "sessionHandle");
  auto user_id = OptString(*payload, "userId");
  const auto nonce = payload->FindString("nonce");
  if (!handle.has_value() || !user_id.has_value() || nonce != parts[1]) {
    return Invalid("Invalid refresh token");
  }
  content.session_handle = *std::move(handle);
  content.user_id = *std::move(user_id);
  content.parent_hash1 = OptString(*payload, "parentRefreshTokenHash1");
  content.anti_csrf_token = OptString(*payload, "antiCsrfToken");
  if (auto tenant = OptString(*payload, "tenantId")) content.tenant_id = *std::move(tenant);
  return content;
}

std::string Hash1(std::string_view refresh_token) { return crypto::Sha256Hex(refresh_token); }

std::string Hash2OfHash1(std::string_view hash1) { return crypto::Sha256Hex(hash1); }

}  // namespace gatehouse::session
