#include "libs/config/networks.h"

#include <algorithm>
#include <optional>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace gatehouse::config {
namespace {

constexpr int kBits = 128;
constexpr int kBitsOfV4 = 32;

bool SamePrefix(const IpAddress& a, const IpAddress& b, int bits) {
  const auto whole = static_cast<size_t>(bits / 8);
  if (!std::equal(a.bytes().begin(), a.bytes().begin() + whole, b.bytes().begin())) return false;
  const int rest = bits % 8;
  return rest == 0 || (a.bytes()[whole] ^ b.bytes()[whole]) >> (8 - rest) == 0;
}

}  // namespace

absl::StatusOr<Networks> Networks::Parse(std::string_view text) {
  Networks result;
  for (absl::string_view item : absl::StrSplit(absl::string_view(text.data(), text.size()), ',')) {
    item = absl::StripAsciiWhitespace(item);
    if (item.empty()) continue;
    const size_t slash = item.find('/');
    const auto address = IpAddress::Parse(std::string(item.substr(0, slash)));
    if (!address.has_value()) return absl::InvalidArgumentError(absl::StrCat("no network: ", item));
    const int size = address->is_v4() ? kBitsOfV4 : kBits;
    int bits = size;
    if (slash != absl::string_view::npos &&
        (!absl::SimpleAtoi(item.substr(slash + 1), &bits) || bits < 0 || bits > size)) {
      return absl::InvalidArgumentError(absl::StrCat("no network: ", item));
    }
    if (bits == 0) {
      return absl::InvalidArgumentError(absl::StrCat("a network of everybody: ", item));
    }
    result.networks_.push_back({*address, kBits - size + bits});
  }
  return result;
}

bool Networks::Contains(const IpAddress& address) const {
  return std::any_of(networks_.begin(), networks_.end(), [&](const Network& network) {
    return SamePrefix(network.address, address, network.prefix_bits);
  });
}

}  // namespace gatehouse::config
