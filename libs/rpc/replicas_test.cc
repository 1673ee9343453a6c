// Several replicas of a service behind one name: calls and streams find them, name servers come and
// go, connections have an age.

#include <gtest/gtest.h>

#include <atomic>
#include <cstdio>
#include <fstream>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "libs/rpc/grpc_test_util.h"
#include "libs/rpc/test_dns.h"

namespace gatehouse::rpc {
namespace {

// A server with its own implementation.
struct Replica {
  explicit Replica(absl::Duration max_age = GrpcServer::kMaxConnectionAge,
                   const std::string& address = "127.0.0.1:0")
      : dispatcher(*Dispatcher::Create(
            handler, {{"GetDirectoryEntries", {"session"}}, {"WatchTenants", {"session"}}})),
        server(*GrpcServer::Start({address}, Holder("tenants"), {{dispatcher.get(), &workers}},
                                  max_age)) {}
  std::string address() const { return "127.0.0.1:" + port(); }
  std::string port() const { return std::to_string(server->port()); }

  FakeDirectory fake;
  TenantDirectoryServiceHandler handler{fake};
  std::unique_ptr<Dispatcher> dispatcher;
  WorkerPool workers{"replica", 1, 64};
  std::unique_ptr<GrpcServer> server;
};

std::unique_ptr<Channel> DialTenants(const std::string& address) {
  return Dial(address, "session", Holder("session"));
}

// Calls until `condition` holds; false after `patience`.
template <typename Condition>
bool CallUntil(Channel& channel, absl::Duration patience, Condition condition) {
  for (const absl::Time end = SteadyNow() + patience; SteadyNow() < end;) {
    (void)Ask(channel, "x", absl::Seconds(1));
    if (condition()) return true;
  }
  return false;
}

int FailedCalls(Channel& channel, absl::Duration time) {
  int failed = 0;
  for (const absl::Time end = SteadyNow() + time; SteadyNow() < end;) {
    if (!Ask(channel, "x").ok()) ++failed;
  }
  return failed;
}

TEST(ReplicasTest, CallsGoToEachReplicaInTurn) {
  Replica a, b;
  // What a name that leads to two pods resolves to.
  auto channel = DialTenants("ipv4:" + a.address() + "," + b.address());
  const absl::Time give_up = SteadyNow() + absl::Seconds(10);
  while (a.fake.calls() == 0 || b.fake.calls() == 0) {
    ASSERT_TRUE(Ask(*channel, "x").ok());
    ASSERT_LT(SteadyNow(), give_up);
  }
  const int of_a = a.fake.calls(), of_b = b.fake.calls();
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(Ask(*channel, "x").ok());
  EXPECT_EQ(a.fake.calls() - of_a, 10);
  EXPECT_EQ(b.fake.calls() - of_b, 10);
  // When one goes, the other takes them all.
  a.server->Drain(SteadyNow() + absl::Seconds(5));
  while (!Ask(*channel, "x").ok()) ASSERT_LT(SteadyNow(), give_up);
  const int left = b.fake.calls();
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(Ask(*channel, "x").ok());
  EXPECT_EQ(b.fake.calls() - left, 20);
}

// A stop in order, as of each replica in turn when a new release comes.
TEST(ReplicasTest, AReplicaThatStopsLosesNoCall) {
  Replica stays;
  for (int round = 0; round < 5; ++round) {
    Replica goes;
    auto channel = DialTenants("ipv4:" + stays.address() + "," + goes.address());
    const int before = stays.fake.calls();
    ASSERT_TRUE(CallUntil(*channel, absl::Seconds(10),
                          [&] { return stays.fake.calls() > before && goes.fake.calls() > 0; }));
    std::atomic<bool> stopped = false;
    std::atomic<int> failed = 0;
    {
      std::vector<std::jthread> callers;
      for (int i = 0; i < 4; ++i) {
        callers.emplace_back([&] {
          while (!stopped) failed += !Ask(*channel, "x").ok();
        });
      }
      while (goes.fake.calls() < 100) std::this_thread::yield();
      goes.server->Drain(SteadyNow() + absl::Seconds(5));
      stopped = true;
    }
    EXPECT_EQ(failed, 0) << "round " << round;
  }
}

TEST(ReplicasTest, AStreamsAnswersFindItsReplicaAmongSeveral) {
  Replica a, b;
  auto channel = DialTenants("ipv4:" + a.address() + "," + b.address());
  const absl::Time give_up = SteadyNow() + absl::Seconds(60);
  while (a.fake.calls() == 0 || b.fake.calls() == 0) {  // until both connections stand
    ASSERT_TRUE(Ask(*channel, "x").ok());
    ASSERT_LT(SteadyNow(), give_up);
  }
  std::vector<std::unique_ptr<Subscription>> watchers;
  constexpr int kWatchers = 6;
  for (int i = 0; i < kWatchers; ++i) {
    watchers.push_back(TenantDirectoryServiceClient(*channel).SubscribeWatchTenants(
        CallContext{}, {},
        [](const WatchTenantsResponse&, const auto& answer) { answer(WatchTenantsRequest()); }));
  }
  while (a.fake.streams() + b.fake.streams() < kWatchers) ASSERT_LT(SteadyNow(), give_up);
  EXPECT_GT(a.fake.streams(), 0);
  EXPECT_GT(b.fake.streams(), 0);
  EXPECT_EQ(a.fake.WaitForApplied(a.fake.streams()).size(), a.fake.streams());
  EXPECT_EQ(b.fake.WaitForApplied(b.fake.streams()).size(), b.fake.streams());
}

// The client's ends of connections to a port of this machine, closed ones of the last minute too.
std::set<std::string> ConnectionsTo(int port) {
  char end[8];
  snprintf(end, sizeof end, ":%04X", port);
  std::set<std::string> clients;
  for (const char* path : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    std::ifstream table(path);
    std::string slot, local, remote;
    for (std::string line; std::getline(table, line);) {
      std::istringstream(line) >> slot >> local >> remote;
      if (remote.ends_with(end)) clients.insert(local);
      if (local.ends_with(end) && !remote.ends_with(":0000")) clients.insert(remote);
    }
  }
  return clients;
}

TEST(ReplicasTest, OldConnectionsAreReplacedAndNoCallIsLost) {
  Replica replica(absl::Milliseconds(100));
  auto channel = DialTenants(replica.address());
  const Watch watch(*channel);
  const auto enough = [&] { return ConnectionsTo(replica.server->port()).size() > 3; };
  for (const absl::Time give_up = SteadyNow() + absl::Seconds(20); !enough();) {
    ASSERT_LT(SteadyNow(), give_up);
    ASSERT_EQ(FailedCalls(*channel, absl::Milliseconds(100)), 0);
  }
  EXPECT_EQ(replica.fake.streams(), 1) << "the stream stayed where it was";
}

TEST(ReplicasTest, AReplicaThatWasAddedGetsCalls) {
  TestDns dns;
  Replica a(absl::Milliseconds(300), "127.0.0.2:0");
  dns.Set({"127.0.0.2"});
  auto channel = DialTenants(dns.Target("tenants.test:" + a.port()));
  ASSERT_TRUE(CallUntil(*channel, absl::Seconds(10), [&] { return a.fake.calls() > 0; }));
  Replica b(absl::Milliseconds(300), "127.0.0.3:" + a.port());
  dns.Set({"127.0.0.2", "127.0.0.3"});
  EXPECT_TRUE(CallUntil(*channel, absl::Seconds(10), [&] { return b.fake.calls() > 0; }));
}

// A name is not looked up again by itself, so whoever only knows the replica that stops would find
// nobody at first: under a PodDisruptionBudget pods go faster than connections age.
TEST(ReplicasTest, WhoeverStopsIsLeftInTimeAndNoCallIsLost) {
  TestDns dns;
  Replica a(GrpcServer::kMaxConnectionAge, "127.0.0.2:0");
  dns.Set({"127.0.0.2"});
  auto channel = DialTenants(dns.Target("tenants.test:" + a.port()));
  ASSERT_TRUE(CallUntil(*channel, absl::Seconds(10), [&] { return a.fake.calls() > 0; }));
  Replica b(GrpcServer::kMaxConnectionAge, "127.0.0.3:" + a.port());
  a.server->SayLeaving();
  // The name server is behind by a while.
  EXPECT_EQ(FailedCalls(*channel, absl::Seconds(1.5)), 0);
  EXPECT_EQ(b.fake.calls(), 0);
  dns.Set({"127.0.0.3"});
  EXPECT_EQ(FailedCalls(*channel, absl::Seconds(2.5)), 0);
  const int of_a = a.fake.calls();
  EXPECT_EQ(FailedCalls(*channel, absl::Seconds(0.2)), 0);
  EXPECT_EQ(a.fake.calls(), of_a) << "it is still called";
  EXPECT_GT(b.fake.calls(), 0);
  const std::jthread stop([&] { a.server->Drain(SteadyNow() + absl::Seconds(5)); });
  EXPECT_EQ(FailedCalls(*channel, absl::Seconds(0.5)), 0);
}

TEST(ReplicasTest, AStreamFindsAnotherReplicaWhenItsOwnEnds) {
  auto a = std::make_unique<Replica>();
  Replica b;
  auto channel = DialTenants("ipv4:" + a->address() + "," + b.address());
  ASSERT_TRUE(CallUntil(*channel, absl::Seconds(10),
                        [&] { return a->fake.calls() > 0 && b.fake.calls() > 0; }));
  const Watch first(*channel), second(*channel);
  // A stream's first message may be here before it is counted there.
  ASSERT_TRUE(a->fake.WaitForStreams(1));
  ASSERT_TRUE(b.fake.WaitForStreams(1));
  a.reset();
  EXPECT_TRUE(CallUntil(*channel, absl::Seconds(10), [&] { return b.fake.streams() == 2; }));
}

TEST(ReplicasTest, CallsGoOnWithoutANameServer) {
  TestDns dns;
  Replica replica(absl::Milliseconds(300), "127.0.0.2:0");
  dns.Set({"127.0.0.2"});
  auto channel = DialTenants(dns.Target("tenants.test:" + replica.port()));
  ASSERT_TRUE(CallUntil(*channel, absl::Seconds(10), [&] { return replica.fake.calls() > 0; }));
  // No such name, as while no pod of a headless service is ready; then no answer at all. Old
  // connections are still replaced, and query the name.
  dns.Set({});
  const int before = dns.questions();
  EXPECT_EQ(FailedCalls(*channel, absl::Seconds(2)), 0);
  EXPECT_GT(dns.questions(), before);
  dns.FallSilent();
  EXPECT_EQ(FailedCalls(*channel, absl::Seconds(2)), 0);
}

// The library queries an unknown name less and less often, in the end every two minutes: a service
// that starts late would be found late, and so would all services after an outage of the name
// server.
TEST(ReplicasTest, ANameThatComesLateIsAskedForEachSecond) {
  TestDns for_calls, for_stream;
  Replica replica(GrpcServer::kMaxConnectionAge, "127.0.0.2:0");
  const std::string name = "tenants.test:" + replica.port();
  auto called = DialTenants(for_calls.Target(name));
  EXPECT_FALSE(Ask(*called, "x").ok());
  const int once = for_calls.questions();
  auto watched = DialTenants(for_stream.Target(name));
  std::atomic<bool> begun = false;
  auto subscription = TenantDirectoryServiceClient(*watched).SubscribeWatchTenants(
      CallContext{}, {}, [&](const WatchTenantsResponse&, const auto&) { begun = true; });
  // By itself the library asks again after 1, 1.6, 2.6, and 4.1 s, give or take a fifth.
  EXPECT_FALSE(CallUntil(*called, absl::Seconds(6.5), [] { return false; }));
  EXPECT_GT(for_calls.questions(), 4 * once);
  EXPECT_GT(for_stream.questions(), 4 * once);
  for_calls.Set({"127.0.0.2"});
  for_stream.Set({"127.0.0.2"});
  EXPECT_TRUE(CallUntil(*called, absl::Seconds(10), [&] { return replica.fake.calls() > 0; }));
  EXPECT_TRUE(CallUntil(*called, absl::Seconds(10), [&] { return begun.load(); }));
}

TEST(ReplicasTest, ASilentNameServerIsNotWaitedForLong) {
  TestDns dns;
  dns.FallSilent();
  Replica replica(GrpcServer::kMaxConnectionAge, "127.0.0.2:0");
  auto channel = DialTenants(dns.Target("tenants.test:" + replica.port()));
  const absl::Time begun = SteadyNow();
  EXPECT_EQ(ReasonOf(Ask(*channel, "x", absl::Seconds(60)).status()), ErrorReason::kDependencyDown);
  EXPECT_LT(SteadyNow() - begun, absl::Seconds(10));
  dns.Set({"127.0.0.2"});
  EXPECT_TRUE(CallUntil(*channel, absl::Seconds(20), [&] { return replica.fake.calls() > 0; }));
}

}  // namespace
}  // namespace gatehouse::rpc
