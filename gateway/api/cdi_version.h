#pragma once

#include <compare>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace gatehouse::gateway {

// A version of the core driver interface, "x.y".
struct CdiVersion {
  int major = 0;
  int minor = 0;

  friend auto operator<=>(const CdiVersion&, const CdiVersion&) = default;
  std::string ToString() const;

  // Strictly "x.y" with plain decimal numbers.
  static std::optional<CdiVersion> Parse(std::string_view text);
  // Every version this gateway serves, ascending (formats.md 10.2).
  static std::span<const CdiVersion> Supported();
};

namespace cdi {
inline constexpr CdiVersion k2_7{2, 7}, k2_8{2, 8}, k2_9{2, 9}, k2_12{2, 12}, k2_21{2, 21},
    k3_0{3, 0}, k3_1{3, 1}, k4_0{4, 0}, k5_0{5, 0}, k5_1{5, 1}, k5_2{5, 2}, k5_3{5, 3},
    k5_4{5, 4}, k5_5{5, 5}, k5_6{5, 6}, k5_7{5, 7};
}  // namespace cdi

}  // namespace gatehouse::gateway
