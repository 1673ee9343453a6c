#include "libs/telemetry/metrics.h"

#include <cstdlib>
#include <new>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace {
thread_local int t_allocations = 0;
}  // namespace

// Counts what the calling thread allocates.
void* operator new(std::size_t size) {
  ++t_allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace gatehouse::telemetry {
namespace {

bool Has(const std::string& text, std::string_view line) {
  return ("\n" + text).find("\n" + std::string(line) + "\n") != std::string::npos;
}

TEST(MetricsTest, ObservingAllocatesNothing) {
  Metrics metrics;
  HttpMetric& http = metrics.Http("GET", "/recipe/user");
  RpcMetric& rpc = metrics.Rpc("users", "GetUser");
  http.Observe(200, 0.01);
  http.Observe(404, 0.01);
  rpc.Observe(true, ErrorReason::kUnspecified, 0.01);
  rpc.Observe(false, ErrorReason::kBadInput, 0.01);
  const int before = t_allocations;
  for (int i = 0; i < 1000; ++i) {
    http.Observe(i % 2 == 0 ? 200 : 404, 0.01);
    rpc.Observe(i % 2 == 0, ErrorReason::kBadInput, 0.01);
  }
  EXPECT_EQ(t_allocations, before);
}

TEST(MetricsTest, ObservationsAreCounted) {
  Metrics metrics;
  EXPECT_EQ(&metrics.Http("GET", "/a"), &metrics.Http("GET", "/a"));
  EXPECT_EQ(&metrics.Rpc("users", "A"), &metrics.Rpc("users", "A"));
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 100; ++i) {
        metrics.Http("GET", "/a").Observe(503, 0.2);
        metrics.Rpc("users", "A").Observe(false, ErrorReason::kOverloaded, 0.2);
        metrics.Rpc("users", "A").Observe(true, ErrorReason::kUnspecified, 0.2);
      }
    });
  }
  threads.clear();
  metrics.Http("GET", "/a").Observe(418, 0.2);
  const std::string text = metrics.Exposition();
  EXPECT_TRUE(
      Has(text, R"(gatehouse_http_requests_total{method="GET",route="/a",status="503"} 400)"))
      << text;
  EXPECT_TRUE(
      Has(text, R"(gatehouse_http_requests_total{method="GET",route="/a",status="other"} 1)"));
  EXPECT_TRUE(Has(
      text, R"(gatehouse_rpc_calls_total{method="A",reason="OVERLOADED",service="users"} 400)"));
  EXPECT_TRUE(
      Has(text, R"(gatehouse_rpc_calls_total{method="A",reason="OK",service="users"} 400)"));
  EXPECT_TRUE(
      Has(text, R"(gatehouse_rpc_call_duration_seconds_count{method="A",service="users"} 800)"));
}

TEST(MetricsTest, WhatOnlyGrowsIsACounter) {
  Metrics metrics;
  PoolSample base{.pool = "shared", .databases = "base", .in_use = 2, .idle = 1};
  base.statements_total = 7;
  base.retries_total = 3;
  PoolSample tenants{.pool = "shared", .databases = "tenants", .pools = 5};
  tenants.refused_total = 4;
  tenants.connects_total = 6;
  metrics.SetPoolSampler([&] { return std::vector<PoolSample>{base, tenants}; });
  metrics.SetQueueSampler([] { return std::vector<QueueSample>{{"users", 9}}; });
  metrics.AddCounter("things_total", "Things", [] { return 11; });
  metrics.AddGauge("level", "Level", [] { return 12; });
  const std::string text = metrics.Exposition();
  EXPECT_TRUE(Has(text, "# TYPE gatehouse_db_events_total counter")) << text;
  EXPECT_TRUE(Has(text, "# TYPE gatehouse_db_connections gauge"));
  EXPECT_TRUE(Has(
      text, R"(gatehouse_db_events_total{pool="shared",databases="base",event="statement"} 7)"));
  EXPECT_TRUE(
      Has(text, R"(gatehouse_db_events_total{pool="shared",databases="base",event="retry"} 3)"));
  EXPECT_TRUE(Has(
      text, R"(gatehouse_db_events_total{pool="shared",databases="tenants",event="refused"} 4)"));
  EXPECT_TRUE(Has(
      text, R"(gatehouse_db_events_total{pool="shared",databases="tenants",event="connect"} 6)"));
  EXPECT_TRUE(Has(text, R"(gatehouse_db_pools{pool="shared",databases="tenants"} 5)"));
  EXPECT_TRUE(
      Has(text, R"(gatehouse_db_connections{pool="shared",databases="base",state="in_use"} 2)"));
  EXPECT_TRUE(Has(text, R"(gatehouse_worker_queue_waiting{queue="users"} 9)"));
  EXPECT_TRUE(Has(text, "# TYPE gatehouse_things_total counter"));
  EXPECT_TRUE(Has(text, "gatehouse_things_total 11"));
  EXPECT_TRUE(Has(text, "# TYPE gatehouse_level gauge"));
  // Once a family's samples are gone, so is the family's series.
  metrics.SetPoolSampler([] { return std::vector<PoolSample>{}; });
  EXPECT_FALSE(
      Has(metrics.Exposition(), R"(gatehouse_db_pools{pool="shared",databases="tenants"} 5)"));
}

}  // namespace
}  // namespace gatehouse::telemetry
