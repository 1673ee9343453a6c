#include "services/oauth/token_keys.h"

#include <map>
#include <utility>

#include "gatehouse/jwks/v1/jwks_service.rpc.h"
#include "libs/base/elapsed.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/crypto/bytes.h"
#include "libs/crypto/jwt.h"
#include "libs/crypto/verifying_key.h"

namespace gatehouse::oauth {
namespace {

constexpr size_t kMaxCachedApps = 2000;  // some 10 KB each
constexpr int64_t kMaxAgeMs = 60'000;
// Anybody can send unknown key ids; the jwks service reads its database no more often either.
constexpr int64_t kMinRefetchMs = 1000;
// A token of the largest claims that a request can carry, many times over.
constexpr size_t kMaxTokenBytes = 1024 * 1024;

}  // namespace

struct TokenKeys::Keys {
  std::map<std::string, crypto::VerifyingKey> by_id;
};

struct TokenKeys::Entry {
  std::mutex mutex;
  std::shared_ptr<const Keys> keys;  // null at first
  int64_t fetched_at_ms = 0;
  int64_t fresh_until_ms = 0;
};

TokenKeys::TokenKeys(jwks::v1::JwksService& jwks, const Clock& clock)
    : jwks_(jwks), clock_(clock), entries_(kMaxCachedApps) {}

TokenKeys::~TokenKeys() = default;

absl::StatusOr<std::string> TokenKeys::Sign(CallContext& context, const tenancy::Tenant& app,
                                            const json::Value& claims, bool use_dynamic_key) {
  jwks::v1::CreateJwtRequest request;
  *request.mutable_scope() = app.scope();
  request.set_payload_json(json::Serialize(claims));
  // The claims say when it expires.
  request.set_validity_s(1);
  request.set_use_static_key(!use_dynamic_key);
  request.set_algorithm("RS256");
  ASSIGN_OR_RETURN(auto response, jwks_.CreateJwt(context, request));
  return std::move(*response.mutable_jwt());
}

absl::StatusOr<std::shared_ptr<const TokenKeys::Keys>> TokenKeys::KeysOf(
    CallContext& context, const tenancy::Tenant& app, const std::string& wanted_key_id) {
  const auto entry = entries_.FindOrMake(
      StrCat(app.connection_uri_domain, "~", app.app_id, "~", std::to_string(app.app_incarnation)),
      [] { return std::make_shared<Entry>(); });
  {
    const std::lock_guard lock(entry->mutex);
    const int64_t now_ms = clock_.NowMs();
    if (entry->keys != nullptr) {
      const bool known = entry->keys->by_id.contains(wanted_key_id);
      if (known ? now_ms < entry->fresh_until_ms
                : !Elapsed(entry->fetched_at_ms, now_ms, kMinRefetchMs)) {
        return entry->keys;
      }
    }
    entry->fetched_at_ms = now_ms;
  }
  jwks::v1::GetPublicKeysRequest request;
  *request.mutable_scope() = app.scope();
  ASSIGN_OR_RETURN(const auto response, jwks_.GetPublicKeys(context, request));
  auto keys = std::make_shared<Keys>();
  for (const jwks::v1::PublicKey& key : response.keys()) {
    ASSIGN_OR_RETURN(const std::string n, crypto::Base64Decode(key.modulus_base64url()));
    ASSIGN_OR_RETURN(const std::string e, crypto::Base64Decode(key.exponent_base64url()));
    ASSIGN_OR_RETURN(crypto::VerifyingKey parsed, crypto::VerifyingKey::FromRsa(n, e));
    keys->by_id.emplace(key.key_id(), std::move(parsed));
  }
  const std::lock_guard lock(entry->mutex);
  entry->keys = keys;
  entry->fresh_until_ms =
      clock_.NowMs() + std::min(kMaxAgeMs, static_cast<int64_t>(response.max_age_s()) * 1000);
  return std::shared_ptr<const Keys>(keys);
}

absl::StatusOr<std::optional<json::Value>> TokenKeys::Verify(CallContext& context,
                                                             const tenancy::Tenant& app,
                                                             std::string_view token) {
  if (token.size() > kMaxTokenBytes) return std::nullopt;
  const absl::StatusOr<crypto::JwtParts> parts = crypto::SplitJwt(token);
  if (!parts.ok()) return std::nullopt;
  const absl::StatusOr<std::string> header_text = crypto::DecodeJwtPart(parts->header);
  const absl::StatusOr<std::string> payload_text = crypto::DecodeJwtPart(parts->payload);
  const absl::StatusOr<std::string> signature = crypto::Base64Decode(parts->signature);
  if (!header_text.ok() || !payload_text.ok() || !signature.ok()) return std::nullopt;
  const absl::StatusOr<json::Value> header = json::Parse(*header_text);
  if (!header.ok() || header->FindString("alg") != "RS256") return std::nullopt;
  const std::optional<std::string_view> key_id = header->FindString("kid");
  if (!key_id.has_value()) return std::nullopt;
  ASSIGN_OR_RETURN(const auto keys, KeysOf(context, app, std::string(*key_id)));
  const auto key = keys->by_id.find(std::string(*key_id));
  if (key == keys->by_id.end() ||
      !key->second.Verify(crypto::HashFunction::kSha256, parts->signed_text, *signature)) {
    return std::nullopt;
  }
  absl::StatusOr<json::Value> claims = json::Parse(*payload_text);
  if (!claims.ok() || !claims->is_object()) return std::nullopt;
  return *std::move(claims);
}

}  // namespace gatehouse::oauth
