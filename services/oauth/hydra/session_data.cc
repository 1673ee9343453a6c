#include "services/oauth/hydra/session_data.h"

#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "libs/base/json.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/crypto/aes_cipher.h"
#include "libs/crypto/bytes.h"
#include "libs/crypto/digest.h"

namespace gatehouse::oauth::hydra {
namespace {

using json::Value;

// Ours are far smaller.
constexpr size_t kMaxTextBytes = 64 * 1024;

absl::Status Damaged(std::string_view what) {
  return absl::InvalidArgumentError(StrCat("its session has no valid ", what));
}

// Absent and null are empty.
absl::StatusOr<std::string> TextOf(const Value& object, std::string_view name) {
  const Value* value = object.Find(name);
  if (value == nullptr || value->is_null()) return std::string();
  const std::optional<std::string_view> text = value->AsString();
  if (!text.has_value() || text->size() > kMaxTextBytes ||
      text->find('\0') != std::string_view::npos) {
    return Damaged(name);
  }
  return std::string(*text);
}

// Milliseconds since 1970. Absent, null and Go's zero time are 0.
absl::StatusOr<int64_t> TimeOf(const Value& object, std::string_view name) {
  ASSIGN_OR_RETURN(const std::string text, TextOf(object, name));
  if (text.empty()) return 0;
  absl::Time time;
  std::string error;
  if (!absl::ParseTime(absl::RFC3339_full, text, &time, &error)) return Damaged(name);
  if (time <= absl::UnixEpoch()) return 0;
  if (time > absl::FromUnixSeconds(253402300799)) return Damaged(name);  // the year 9999's end
  return absl::ToUnixMillis(time);
}

const Value& Member(const Value& object, std::string_view name) {
  static const auto* const nothing = new Value();
  const Value* value = object.Find(name);
  return value == nullptr ? *nothing : *value;
}

}  // namespace

SystemSecrets SystemSecrets::Read(std::string_view text) {
  SystemSecrets secrets;
  for (absl::string_view secret :
       absl::StrSplit(absl::string_view(text.data(), text.size()), absl::ByAnyChar(",\r\n"))) {
    secret = absl::StripAsciiWhitespace(secret);
    if (secret.empty()) continue;
    secrets.keys_.push_back(crypto::Sha256(std::string_view(secret.data(), secret.size())));
  }
  return secrets;
}

std::optional<std::string> SystemSecrets::Decrypt(std::string_view stored) const {
  const absl::StatusOr<std::string> data = crypto::Base64Decode(stored);
  if (!data.ok()) return std::nullopt;
  for (const std::string& key : keys_) {
    if (auto text = crypto::DecryptAes(crypto::AesMode::kGcm, key, *data)) return text;
  }
  return std::nullopt;
}

absl::StatusOr<Session> ReadSession(std::string_view session_data, const SystemSecrets& secrets) {
  std::string text(session_data);
  if (!text.starts_with('{')) {
    if (secrets.empty()) {
      return absl::FailedPreconditionError(
          "Hydra has encrypted its session: --hydra-system-secret-file is needed");
    }
    std::optional<std::string> decrypted = secrets.Decrypt(session_data);
    if (!decrypted.has_value()) {
      return absl::PermissionDeniedError("no system secret decrypts its session");
    }
    text = *std::move(decrypted);
  }
  const absl::StatusOr<Value> parsed = json::Parse(text);
  if (!parsed.ok() || !parsed->is_object()) return Damaged("form");
  const Value& id_token = Member(*parsed, "id_token");
  const Value& claims = Member(id_token, "id_token_claims");
  const Value& extra = Member(*parsed, "extra");

  Session session;
  v1::Grant& grant = session.grant;
  ASSIGN_OR_RETURN(*grant.mutable_subject(), TextOf(id_token, "subject"));
  ASSIGN_OR_RETURN(*grant.mutable_nonce(), TextOf(claims, "nonce"));
  ASSIGN_OR_RETURN(*grant.mutable_acr(), TextOf(claims, "acr"));
  if (const Value& amr = Member(claims, "amr"); !amr.is_null()) {
    if (!amr.is_array()) return Damaged("amr");
    for (const Value& method : amr.elements()) {
      const std::optional<std::string_view> name = method.AsString();
      if (!name.has_value() || name->size() > kMaxTextBytes) return Damaged("amr");
      grant.add_amr(std::string(*name));
    }
  }
  ASSIGN_OR_RETURN(const int64_t authenticated_at_ms, TimeOf(claims, "auth_time"));
  ASSIGN_OR_RETURN(const int64_t requested_at_ms, TimeOf(claims, "rat"));
  grant.set_authenticated_at_ms(authenticated_at_ms);
  grant.set_requested_at_ms(requested_at_ms);
  // What the core added when the user consented.
  ASSIGN_OR_RETURN(*grant.mutable_issuer(), TextOf(extra, "iss"));
  ASSIGN_OR_RETURN(*grant.mutable_tenant_id(), TextOf(extra, "tId"));
  ASSIGN_OR_RETURN(*grant.mutable_recipe_user_id(), TextOf(extra, "rsub"));
  ASSIGN_OR_RETURN(*grant.mutable_session_handle(), TextOf(extra, "sessionHandle"));
  ASSIGN_OR_RETURN(*grant.mutable_gid(), TextOf(extra, "gid"));
  ASSIGN_OR_RETURN(const int64_t expires_at_ms,
                   TimeOf(Member(id_token, "expires_at"), "refresh_token"));
  session.expires_at_s = expires_at_ms / 1000;
  return session;
}

}  // namespace gatehouse::oauth::hydra
