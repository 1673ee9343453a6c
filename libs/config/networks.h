#pragma once

#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/base/ip_address.h"

namespace gatehouse::config {

// A set of networks. A value; thread-safe to read.
class Networks {
 public:
  // Separated by commas: `10.0.0.0/8, fd00::/8, 192.0.2.7`. Blanks and empty items are skipped.
  // INVALID_ARGUMENT, which names the item, for an item that is not a network or that covers all
  // addresses.
  static absl::StatusOr<Networks> Parse(std::string_view text);

  bool empty() const { return networks_.empty(); }
  bool Contains(const IpAddress& address) const;

 private:
  struct Network {
    IpAddress address;
    int prefix_bits;  // of 128
  };
  std::vector<Network> networks_;
};

}  // namespace gatehouse::config
