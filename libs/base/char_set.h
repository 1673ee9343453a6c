#pragma once

#include <algorithm>
#include <array>
#include <string_view>

namespace gatehouse {

// A set of bytes, made by the compiler. std::string_view::find_first_of looks for each byte of the
// text with a call of memchr, which is most of the time for short texts.
class CharSet {
 public:
  explicit constexpr CharSet(std::string_view members) {
    for (const char c : members) members_[static_cast<unsigned char>(c)] = true;
  }
  constexpr bool Contains(char c) const { return members_[static_cast<unsigned char>(c)]; }
  constexpr bool ContainsAnyOf(std::string_view text) const {
    return std::any_of(text.begin(), text.end(), [this](char c) { return Contains(c); });
  }

 private:
  std::array<bool, 256> members_{};
};

}  // namespace gatehouse
