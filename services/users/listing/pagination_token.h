#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gatehouse::users {

// Where a page begins: the user that is its first row. As text, base64 of "<user id>;<ms>", like
// the original's tokens.
struct PaginationToken {
  std::string user_id;  // internal, of the primary user
  int64_t time_joined_ms = 0;

  std::string Encode() const;
  // nullopt for anything that Encode cannot have produced.
  static std::optional<PaginationToken> Decode(std::string_view text);
};

}  // namespace gatehouse::users
