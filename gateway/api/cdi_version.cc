#include "gateway/api/cdi_version.h"

#include <array>
#include <charconv>

namespace gatehouse::gateway {
namespace {

constexpr std::array kSupported = {
    CdiVersion{2, 7},  CdiVersion{2, 8},  CdiVersion{2, 9},  CdiVersion{2, 10}, CdiVersion{2, 11},
    CdiVersion{2, 12}, CdiVersion{2, 13}, CdiVersion{2, 14}, CdiVersion{2, 15}, CdiVersion{2, 16},
    CdiVersion{2, 17}, CdiVersion{2, 18}, CdiVersion{2, 19}, CdiVersion{2, 20}, CdiVersion{2, 21},
    CdiVersion{3, 0},  CdiVersion{3, 1},  CdiVersion{4, 0},  CdiVersion{5, 0},  CdiVersion{5, 1},
    CdiVersion{5, 2},  CdiVersion{5, 3},  CdiVersion{5, 4},  CdiVersion{5, 5},  CdiVersion{5, 6},
    CdiVersion{5, 7},
};

// A plain decimal number of at most three digits, without leading zeros.
std::optional<int> ParseNumber(std::string_view text) {
  if (text.empty() || text.size() > 3 || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0) return std::nullopt;
  return number;
}

}  // namespace

std::string CdiVersion::ToString() const {
  return std::to_string(major) + "." + std::to_string(minor);
}

std::optional<CdiVersion> CdiVersion::Parse(std::string_view text) {
  const size_t dot = text.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const auto major = ParseNumber(text.substr(0, dot));
  const auto minor = ParseNumber(text.substr(dot + 1));
  if (!major || !minor) return std::nullopt;
  return CdiVersion{*major, *minor};
}

std::span<const CdiVersion> CdiVersion::Supported() { return kSupported; }

}  // namespace gatehouse::gateway
