#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace gatehouse::config {

// Which addresses may call: regular expressions that must match the whole address. An address that
// `deny` matches is refused; then one that `allow` matches is let in; any other is let in only when
// there is no `allow`. Immutable and thread-safe. Matching takes time linear in the address.
//
// IPv4 is written with dots, even if it arrived mapped into IPv6 (::ffff:10.0.0.1). An IPv6 address
// matches if either spelling does: RFC 5952's (::1), or all eight numbers in lower case without
// leading zeros (0:0:0:0:0:0:0:1), as in the original.
class IpRules {
 public:
  // nullopt: no such rule. An expression that RE2 does not accept (such as look-around and
  // back-references) gives InvalidArgument with the original's text, which names the key.
  static absl::StatusOr<std::shared_ptr<const IpRules>> Create(
      const std::optional<std::string>& allow, const std::optional<std::string>& deny);

  IpRules();
  ~IpRules();
  IpRules(const IpRules&) = delete;
  IpRules& operator=(const IpRules&) = delete;

  bool Allows(std::string_view text) const;
  // Whether there is any rule at all.
  bool empty() const;

 private:
  struct Expressions;
  std::unique_ptr<Expressions> expressions_;
};

}  // namespace gatehouse::config
