#include "gateway/pipeline/gateway.h"

#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace gatehouse::gateway {
namespace {

// Keeps what was answered; no request has a body.
class Replies final : public http::ReplySink {
 public:
  void Reply(uint64_t, http::Response response) override { reply.set_value(std::move(response)); }
  bool Wanted() const override { return true; }
  void ReadBody(uint64_t, std::string, http::BodyCallback then) override { then(""); }

  std::promise<http::Response> reply;
};

class GatewayTest : public ::testing::Test {
 protected:
  GatewayTest() {
    std::vector<tenants::v1::Tenant> records(1);
    *records[0].mutable_scope() = tenancy::MakeScope("", "public", "public");
    records[0].set_core_config_json("{}");
    EXPECT_TRUE(directory.Apply(true, "{}", records, {}).empty());
    Route route;
    route.method = HttpMethod::kGet;
    route.path = "/recipe/roles";
    route.service = "roles";
    route.handler = [](ApiRequest&) -> absl::StatusOr<Reply> { return TextReply(200, "answered"); };
    routes.Add(std::move(route));
  }

  std::string Ask(Gateway& gateway) {
    const auto sink = std::make_shared<Replies>();
    auto reply = sink->reply.get_future();
    http::Request request;
    request.method = "GET";
    request.path = request.target = "/recipe/roles";
    request.received = std::chrono::steady_clock::now();
    gateway.Handle(std::move(request), http::Responder(sink, 0));
    return reply.get().body;
  }

  tenancy::TenantDirectory directory{false};
  RouteTable routes;
  telemetry::Metrics metrics;
  WorkerPool workers{"test", 1, 10};
};

// Threads are made when they are first needed, and there may be none left.
TEST_F(GatewayTest, APoolThatCannotBeMadeIsAskedForAgain) {
  int asked = 0;
  Gateway gateway({}, routes, directory, metrics, [&](std::string_view service) -> ServicePool {
    EXPECT_EQ(service, "roles");
    if (++asked == 1) throw std::runtime_error("no thread left");
    return {&workers, false};
  });
  EXPECT_THROW(Ask(gateway), std::exception);
  EXPECT_EQ(Ask(gateway), "answered\n");
  EXPECT_EQ(Ask(gateway), "answered\n");
  EXPECT_EQ(asked, 2);
  workers.Stop();  // a worker may still be in the gateway
}

}  // namespace
}  // namespace gatehouse::gateway
