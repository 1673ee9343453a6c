// Pagination tokens, which clients may make up.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "libs/crypto/bytes.h"
#include "services/users/listing/pagination_token.h"
#include "tests/fuzz/check.h"

namespace gatehouse::users {
namespace {

void Check(std::string_view text) {
  const auto token = PaginationToken::Decode(text);
  if (!token) return;
  const auto again = PaginationToken::Decode(token->Encode());
  FUZZ_CHECK(again.has_value());
  FUZZ_CHECK(again->user_id == token->user_id);
  FUZZ_CHECK(again->time_joined_ms == token->time_joined_ms);
}

}  // namespace
}  // namespace gatehouse::users

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  gatehouse::users::Check(text);
  gatehouse::users::Check(gatehouse::crypto::Base64Encode(text));
  return 0;
}
