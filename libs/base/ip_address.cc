#include "libs/base/ip_address.h"

#include <arpa/inet.h>

#include <algorithm>

namespace gatehouse {
namespace {

constexpr std::array<uint8_t, 12> kV4Prefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

}  // namespace

std::optional<IpAddress> IpAddress::Parse(std::string_view text) {
  const std::string address(text.substr(0, text.find('%')));
  // The C function would end at a NUL.
  if (address.size() != std::string_view(address.c_str()).size()) return std::nullopt;
  IpAddress result;
  if (inet_pton(AF_INET6, address.c_str(), result.bytes_.data()) == 1) return result;
  std::copy(kV4Prefix.begin(), kV4Prefix.end(), result.bytes_.begin());
  if (inet_pton(AF_INET, address.c_str(), result.bytes_.data() + kV4Prefix.size()) == 1) {
    return result;
  }
  return std::nullopt;
}

bool IpAddress::is_v4() const {
  return std::equal(kV4Prefix.begin(), kV4Prefix.end(), bytes_.begin());
}

std::string IpAddress::ToString() const {
  std::array<char, INET6_ADDRSTRLEN> buffer;
  if (is_v4()) {
    return inet_ntop(AF_INET, bytes_.data() + kV4Prefix.size(), buffer.data(), buffer.size());
  }
  return inet_ntop(AF_INET6, bytes_.data(), buffer.data(), buffer.size());
}

}  // namespace gatehouse
