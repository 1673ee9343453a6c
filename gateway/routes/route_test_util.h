#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/api/route_table.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"

namespace gatehouse::gateway {

// A test's request to a route, without the checks before the handler.
struct TestRequest {
  HttpMethod method = HttpMethod::kGet;
  std::string path;
  std::string body;
  std::vector<std::pair<std::string, std::string>> query;
  std::string rid;
};

// The reply's body, or "<REASON>: <text>", or "no route".
inline std::string Send(const RouteTable& routes, const CdiVersion& cdi, TestRequest test) {
  const auto match = routes.Find(test.method, test.path);
  if (!match || match->route == nullptr) return "no route";
  ApiRequest request;
  request.method = test.method;
  request.scope.set_app_id(match->app_id);
  request.scope.set_tenant_id(match->tenant_id);
  request.cdi = cdi;
  request.headers.Add("rid", test.rid);
  request.query = std::move(test.query);
  request.body = std::move(test.body);
  const absl::StatusOr<Reply> reply = match->route->handler(request);
  if (reply.ok()) return reply->body;
  return StrCat(ErrorReasonName(ReasonOf(reply.status())), ": ",
                std::string(reply.status().message()));
}

}  // namespace gatehouse::gateway
