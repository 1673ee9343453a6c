// Refresh tokens: as they come, and with a payload that is fuzzed and well encrypted.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "libs/crypto/aes_envelope.h"
#include "services/session/refresh_token.h"
#include "tests/fuzz/check.h"

namespace gatehouse::session {
namespace {

constexpr std::string_view kMasterKey = "1000:73616c74:6b6579";
constexpr std::string_view kNonce = "n";

void Check(std::string_view token) {
  const auto content = OpenRefreshToken(token, kMasterKey);
  if (!content.ok()) return;
  const auto again = OpenRefreshToken(SealRefreshToken(*content, kMasterKey), kMasterKey);
  FUZZ_CHECK(again.ok());
  FUZZ_CHECK(again->session_handle == content->session_handle);
  FUZZ_CHECK(again->user_id == content->user_id);
  FUZZ_CHECK(again->parent_hash1 == content->parent_hash1);
  FUZZ_CHECK(again->anti_csrf_token == content->anti_csrf_token);
  FUZZ_CHECK(again->tenant_id == content->tenant_id);
}

}  // namespace
}  // namespace gatehouse::session

// The first byte: 255 for a token as it comes, else one whose payload follows; its nonce is "n",
// and the type one of V0, V1, V2 and one that is none.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  namespace session = gatehouse::session;
  if (data[0] == 255) {
    session::Check(rest);
    return 0;
  }
  session::Check(absl::StrCat(gatehouse::crypto::Encrypt(rest, session::kMasterKey), ".",
                              std::string(session::kNonce), ".V", data[0] % 4));
  return 0;
}
