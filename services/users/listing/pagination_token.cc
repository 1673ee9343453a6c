#include "services/users/listing/pagination_token.h"

#include <charconv>

#include "libs/base/strings.h"
#include "libs/crypto/bytes.h"

namespace gatehouse::users {

std::string PaginationToken::Encode() const {
  return crypto::Base64Encode(StrCat(user_id, ";", std::to_string(time_joined_ms)));
}

std::optional<PaginationToken> PaginationToken::Decode(std::string_view text) {
  if (text.find_first_of("-_") != std::string_view::npos) return std::nullopt;  // another alphabet
  absl::StatusOr<std::string> decoded = crypto::Base64Decode(text);
  if (!decoded.ok()) return std::nullopt;
  const size_t separator = decoded->find(';');
  if (separator == std::string::npos) return std::nullopt;
  std::string_view time = std::string_view(*decoded).substr(separator + 1);
  while (time.ends_with(';')) time.remove_suffix(1);  // the original's split drops empty ends
  PaginationToken token;
  token.user_id = decoded->substr(0, separator);
  const auto [end, error] =
      std::from_chars(time.data(), time.data() + time.size(), token.time_joined_ms);
  if (error != std::errc() || end != time.data() + time.size()) return std::nullopt;
  return token;
}

}  // namespace gatehouse::users
