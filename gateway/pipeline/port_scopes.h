#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "absl/status/statusor.h"
#include "gateway/api/route_table.h"

namespace gatehouse::gateway {

// Which ports of the REST interface answer which paths, when there is a second one for operators
// (admin_port), as in cores from 12.4 on. Immutable.
class PortScopes {
 public:
  enum class Port { kMain, kAdmin };

  // The lists override what paths have by themselves. BAD_INPUT for one that no route has.
  static absl::StatusOr<PortScopes> Create(const RouteTable& routes,
                                           const std::vector<std::string>& only_admin,
                                           const std::vector<std::string>& either);

  // `path`: of a route.
  bool Answers(Port port, std::string_view path) const;

 private:
  enum class Scope { kMain, kAdmin, kEither };

  std::unordered_map<std::string, Scope> scopes_;  // but kMain; by the path in lower case
};

}  // namespace gatehouse::gateway
