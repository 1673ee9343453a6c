#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "gateway/api/api_request.h"
#include "gateway/api/reply.h"

namespace gatehouse::gateway {

// Runs one operation: reads the input, calls one service, shapes the reply for request.cdi. A
// non-OK status becomes the HTTP error of its reason (gateway/api/http_errors.h).
using RouteHandler = std::function<absl::StatusOr<Reply>(ApiRequest&)>;

struct RouteOptions {
  bool needs_api_key = true;
  bool needs_version = true;
  // False if the header `Authorization` belongs to the client of an OAuth or SAML flow: then only
  // the header `api-key` holds an API key.
  bool authorization_is_api_key = true;
  // Usually answered from memory: tried on the I/O thread when the service is in this process.
  // If it would block (libs/base/may_block.h), it runs again on a worker; so it must have no effect
  // before that.
  bool from_memory = false;
  // For operators and probes: never refused because its domain has too many requests.
  bool beyond_cap = false;
};

// gateway/api/route_group.h is how a recipe adds its own.
struct Route {
  HttpMethod method;
  std::string path;          // "/recipe/session/verify"; matched case-insensitively
  std::string_view service;  // whose worker pool runs the handler: "session"
  RouteHandler handler;
  RouteOptions options = {};
};

// The routes of every recipe. Filled at start, then read-only.
class RouteTable {
 public:
  RouteTable();
  ~RouteTable();
  void Add(Route route);
  // An error in the table as a whole: a path that was added twice with one method, or the error
  // given to Refuse. Check it when all routes have been added.
  absl::Status Check() const;
  void Refuse(std::string_view why);

  struct Match {
    const Route* route;     // null: the path exists but not with this method (405)
    const Route* any;       // some route of the path: its checks apply when `route` is null
    std::string app_id;     // "public" when the path names none
    std::string tenant_id;  // likewise
  };
  // According to formats.md 9.1 and 9.2. nullopt: no such path.
  std::optional<Match> Find(std::optional<HttpMethod> method, std::string_view path) const;
  void ForEach(const std::function<void(const Route&)>& visit) const;

 private:
  struct Index;
  std::unique_ptr<Index> index_;
};

}  // namespace gatehouse::gateway
