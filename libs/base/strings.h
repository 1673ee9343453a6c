#pragma once

#include <concepts>
#include <cstring>
#include <string>
#include <string_view>

namespace gatehouse {

namespace detail {

// Copies `piece` to `to`; returns where it ends.
inline char* Put(std::string_view piece, char* to) {
  if (!piece.empty()) std::memcpy(to, piece.data(), piece.size());
  return to + piece.size();
}

}  // namespace detail

// Joins strings. Debian's Abseil has its own string_view, which absl::StrCat requires; this one
// takes std::string_view.
template <typename... Pieces>
  requires(std::convertible_to<const Pieces&, std::string_view> && ...)
std::string StrCat(const Pieces&... pieces) {
  std::string result;
  result.resize((std::string_view(pieces).size() + ... + 0));
  char* end = result.data();
  ((end = detail::Put(pieces, end)), ...);
  return result;
}

// Appends strings, growing `out` once. No piece may be part of it.
template <typename... Pieces>
  requires(std::convertible_to<const Pieces&, std::string_view> && ...)
void StrAppend(std::string& out, const Pieces&... pieces) {
  const size_t before = out.size();
  out.resize(before + (std::string_view(pieces).size() + ... + 0));
  char* end = out.data() + before;
  ((end = detail::Put(pieces, end)), ...);
}

}  // namespace gatehouse
