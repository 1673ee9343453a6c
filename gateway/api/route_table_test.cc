#include "gateway/api/route_table.h"

#include <gtest/gtest.h>

#include <memory>

#include "gateway/api/route_group.h"

namespace gatehouse::gateway {
namespace {

struct Parts {
  int calls = 0;
};

absl::StatusOr<Reply> Count(ApiRequest&, Parts& parts) {
  ++parts.calls;
  return StatusReply("OK");
}

TEST(RouteTable, RefusesARouteThatIsAddedTwice) {
  RouteTable routes;
  const RouteGroup group(routes, "users", std::make_shared<Parts>());
  group.Add(HttpMethod::kGet, "/a", Count);
  group.Add(HttpMethod::kPost, "/a", Count);
  group.Add(HttpMethod::kGet, "/a/b", Count);
  EXPECT_TRUE(routes.Check().ok());
  group.Add(HttpMethod::kGet, "/A/", Count);
  EXPECT_EQ(routes.Check().message(), "two routes for GET /A/");
}

TEST(RouteGroup, SharesItsPartsAmongItsOperations) {
  RouteTable routes;
  const auto parts = std::make_shared<Parts>();
  const RouteGroup group(routes, "users", parts);
  group.Add(HttpMethod::kGet, "/a", Count, {.needs_version = false});
  group.At("accounts").Add(HttpMethod::kGet, "/b", Count);
  const auto a = routes.Find(HttpMethod::kGet, "/a");
  const auto b = routes.Find(HttpMethod::kGet, "/b");
  ApiRequest request;
  EXPECT_EQ(a->route->handler(request)->body, R"({"status":"OK"})");
  EXPECT_TRUE(b->route->handler(request).ok());
  EXPECT_EQ(parts->calls, 2);
  EXPECT_EQ(a->route->service, "users");
  EXPECT_EQ(b->route->service, "accounts");
  EXPECT_FALSE(a->route->options.needs_version);
  EXPECT_TRUE(b->route->options.needs_version);
}

}  // namespace
}  // namespace gatehouse::gateway
