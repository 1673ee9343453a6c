#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gatehouse {

// An IPv4 or IPv6 address. An IPv4 address is stored as, and equal to, its mapping into IPv6.
class IpAddress {
 public:
  // Without port, brackets and prefix; the interface of a link-local address (%eth0) is dropped.
  static std::optional<IpAddress> Parse(std::string_view text);

  bool is_v4() const;
  // With dots, or in the form of RFC 5952.
  std::string ToString() const;
  const std::array<uint8_t, 16>& bytes() const { return bytes_; }

  friend bool operator==(const IpAddress&, const IpAddress&) = default;

 private:
  std::array<uint8_t, 16> bytes_{};
};

}  // namespace gatehouse
