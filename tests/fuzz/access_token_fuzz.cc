// Access tokens of every version: as they come, and with a header of each version round claims that
// are fuzzed (without a key they would hardly be reached). What can be read can be signed, and is
// read again as it was.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "libs/base/json.h"
#include "libs/crypto/bytes.h"
#include "libs/crypto/core_vectors.h"
#include "libs/crypto/rsa_key.h"
#include "services/session/access_token.h"
#include "tests/fuzz/check.h"

namespace gatehouse::session {
namespace {

const crypto::RsaKeyPair& Key() {
  static const auto key = *crypto::RsaKeyPair::FromStored(crypto::core_vectors::kKeyPair);
  return *key;
}

bool Equal(const AccessToken& a, const AccessToken& b) {
  return a.version == b.version && a.session_handle == b.session_handle && a.user_id == b.user_id &&
         a.recipe_user_id == b.recipe_user_id && a.tenant_id == b.tenant_id &&
         a.refresh_token_hash1 == b.refresh_token_hash1 &&
         a.parent_refresh_token_hash1 == b.parent_refresh_token_hash1 &&
         a.anti_csrf_token == b.anti_csrf_token && a.expiry_ms == b.expiry_ms &&
         a.created_ms == b.created_ms &&
         json::Serialize(a.user_data) == json::Serialize(b.user_data);
}

void Check(const std::string& token) {
  const auto raw = SplitAccessToken(token);
  if (!raw.ok()) return;
  const auto content = ReadAccessToken(*raw);
  if (!content.ok()) return;
  (void)TenantOfHandle(content->session_handle).ok();
  if (HasProtectedClaim(content->version, content->user_data)) return;
  const auto made = SignAccessToken(*content, "k", Key());
  FUZZ_CHECK(made.ok());
  const auto raw_again = SplitAccessToken(made->token);
  FUZZ_CHECK(raw_again.ok());
  const auto again = ReadAccessToken(*raw_again);
  FUZZ_CHECK(again.ok());
  FUZZ_CHECK(Equal(*content, *again));
}

// Tokens whose header is that of version `version` % 6, where 0 is a JWT without one.
std::string WithHeader(uint8_t version, std::string_view claims) {
  version %= 6;
  if (version == 1 || version == 2) {
    const auto made = crypto::EncodeLegacyJwt(
        version == 1 ? crypto::LegacyTokenVersion::kV1 : crypto::LegacyTokenVersion::kV2, claims,
        Key());
    return *made;
  }
  std::string header = R"({"kid":"k","typ":"JWT","alg":"RS256")";
  if (version >= 3) header += R"(,"version":")" + std::to_string(version) + "\"";
  return crypto::Base64UrlEncode(header + "}") + "." + crypto::Base64UrlEncode(claims) + ".c2ln";
}

}  // namespace
}  // namespace gatehouse::session

// The first byte: 255 for a token as it comes, else the version of its header.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  namespace session = gatehouse::session;
  session::Check(data[0] == 255 ? std::string(rest) : session::WithHeader(data[0], rest));
  return 0;
}
