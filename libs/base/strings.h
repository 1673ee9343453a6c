#pragma once

#include <concepts>
#include <string>
#include <string_view>

namespace gatehouse {

// Joins strings. Debian's Abseil has its own string_view, which absl::StrCat requires; this one
// takes std::string_view.
template <typename... Pieces>
  requires(std::convertible_to<const Pieces&, std::string_view> && ...)
std::string StrCat(const Pieces&... pieces) {
  std::string result;
  result.reserve((std::string_view(pieces).size() + ... + 0));
  (result.append(std::string_view(pieces)), ...);
  return result;
}

}  // namespace gatehouse
