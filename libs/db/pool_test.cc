// The pool, deadlines, conflicts and lost connections.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <latch>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "libs/base/owner.h"
#include "libs/base/status.h"
#include "libs/base/steady_time.h"
#include "libs/db/database.h"
#include "libs/testing/pg_test_server.h"

namespace gatehouse::db {
namespace {

using ::gatehouse::testing::OpenDatabase;
using ::gatehouse::testing::Soon;
using ::gatehouse::testing::TestPostgres;

constexpr Statement kSleep = {"t_sleep", "SELECT pg_sleep($1)"};
constexpr Statement kOne = {"t_one", "SELECT 1"};
constexpr Statement kPid = {"t_pid", "SELECT pg_backend_pid()"};
constexpr Statement kTerminate = {"t_terminate", "SELECT pg_terminate_backend($1)"};
constexpr Statement kSleepers = {
    "t_sleepers",
    "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() "
    "AND state = 'active' AND query LIKE 'SELECT pg_sleep%'"};

TEST(Pool, OneConnectionServesFiftyThreads) {
  auto database = TestPostgres::Shared().CreateDatabase(1);
  constexpr int kThreads = 50;
  constexpr int kCalls = 20;
  std::atomic<int> succeeded{0};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&] {
        for (int call = 0; call < kCalls; ++call) {
          if (database->Execute(Soon(), kOne).ok()) ++succeeded;
        }
      });
    }
  }
  EXPECT_EQ(succeeded, kThreads * kCalls);
  const DatabaseStats stats = database->stats();
  EXPECT_EQ(stats.connects, 1);
  EXPECT_EQ(stats.in_use, 0);
  EXPECT_EQ(stats.idle, 1);
  EXPECT_EQ(stats.waiting, 0);
}

// Holds the only connection while `then` runs on this thread.
void WhileBusy(Database& database, const std::function<void()>& then) {
  absl::Notification holding;
  absl::Notification release;
  std::jthread holder([&] {
    EXPECT_TRUE(database
                    .Transact(Soon(),
                              [&](Transaction&) {
                                holding.Notify();
                                release.WaitForNotification();
                                return absl::OkStatus();
                              })
                    .ok());
  });
  holding.WaitForNotification();
  then();
  release.Notify();
}

TEST(Pool, WaitingEndsAtTheDeadline) {
  auto database = TestPostgres::Shared().CreateDatabase(1);
  WhileBusy(*database, [&] {
    auto late = database->Execute(SteadyNow() + absl::Milliseconds(50), kOne);
    EXPECT_EQ(ReasonOf(late.status()), ErrorReason::kDeadlineExceeded);
  });
  EXPECT_EQ(database->stats().wait_timeouts, 1);
  EXPECT_TRUE(database->Execute(Soon(), kOne).ok());
}

// Runs transactions of owners that end when they are let.
class Owned {
 public:
  explicit Owned(Database& database) : database_(database) {}
  ~Owned() { End(); }
  void Begin(Owner owner) {
    threads_.emplace_back([this, owner] {
      const OwnerScope scope(owner);
      EXPECT_TRUE(database_
                      .Transact(Soon(),
                                [this](Transaction&) {
                                  ++begun_;
                                  begun_.notify_all();
                                  end_.WaitForNotification();
                                  return absl::OkStatus();
                                })
                      .ok());
    });
  }
  void AwaitBegun(int count) {
    for (int begun = begun_; begun < count; begun = begun_) begun_.wait(begun);
  }
  void AwaitWaiting(int count) {
    while (database_.stats().waiting < count) std::this_thread::yield();
  }
  void End() {
    if (!end_.HasBeenNotified()) end_.Notify();
    threads_.clear();
  }

 private:
  Database& database_;
  std::atomic<int> begun_ = 0;
  absl::Notification end_;
  std::vector<std::jthread> threads_;
};

absl::Status One(Database& database, Owner owner) {
  const OwnerScope scope(owner);
  return database.Execute(Soon(), kOne).status();
}

TEST(Pool, TheOnlyOwnerHasAllConnections) {
  auto database = TestPostgres::Shared().CreateDatabase(2);
  ASSERT_TRUE(One(*database, kNobody).ok());
  Owned owned(*database);
  owned.Begin(1);
  owned.Begin(1);
  owned.AwaitBegun(2);
}

TEST(Pool, OneOfSeveralOwnersLeavesAConnection) {
  auto database = TestPostgres::Shared().CreateDatabase(3);
  ASSERT_TRUE(One(*database, 2).ok());
  Owned owned(*database);
  for (int i = 0; i < 4; ++i) owned.Begin(1);
  owned.AwaitBegun(2);
  owned.AwaitWaiting(2);
  EXPECT_TRUE(One(*database, 2).ok());
  EXPECT_TRUE(One(*database, kNobody).ok());
  EXPECT_EQ(database->stats().waiting, 2);
  EXPECT_EQ(database->stats().in_use, 2);
  owned.End();  // the others too
  EXPECT_EQ(database->stats().waiting, 0);
  EXPECT_EQ(database->stats().in_use, 0);
}

// A connection of the owner's that is lost makes room for its next, though another is idle.
TEST(Pool, AnOwnersNextFollowsOnALostConnection) {
  auto database = TestPostgres::Shared().CreateDatabase(2);
  ASSERT_TRUE(One(*database, 2).ok());
  std::latch begun(1);
  std::atomic<int64_t> pid = 0;
  std::jthread first([&] {
    const OwnerScope scope(1);
    (void)database->Transact(Soon(), [&](Transaction& transaction) {
      pid = transaction.Execute(kPid)->front().Int64(0);
      begun.count_down();
      return transaction.Execute(kSleep, {"30"}).status();
    });
  });
  begun.wait();
  std::jthread next([&] { EXPECT_TRUE(One(*database, 1).ok()); });
  while (database->stats().waiting == 0) std::this_thread::yield();
  {
    const OwnerScope scope(2);
    EXPECT_TRUE(database->Execute(Soon(), kTerminate, {pid.load()}).ok());
  }
}

TEST(Pool, AFullQueueRefusesAtOnce) {
  DatabaseOptions options = TestPostgres::Shared().CreateDatabaseOptions();
  options.pool_size = 1;
  options.max_waiting = 0;
  auto database = OpenDatabase(options);
  WhileBusy(*database, [&] {
    EXPECT_EQ(ReasonOf(database->Execute(Soon(), kOne).status()), ErrorReason::kOverloaded);
  });
  EXPECT_EQ(database->stats().refused, 1);
}

TEST(Pool, ARetiredOneKeepsNoConnection) {
  DatabaseOptions options = TestPostgres::Shared().CreateDatabaseOptions();
  options.min_idle = 2;
  auto database = OpenDatabase(options);
  ASSERT_TRUE(database->Execute(Soon(), kOne).ok());
  EXPECT_EQ(database->stats().idle, 1);
  WhileBusy(*database, [&] {
    database->Retire();
    EXPECT_EQ(database->stats().idle, 0);
    // A client that still knows it is served.
    EXPECT_TRUE(database->Execute(Soon(), kOne).ok());
    EXPECT_EQ(database->stats().idle, 0);
  });
  EXPECT_EQ(database->stats().idle, 0);
  EXPECT_EQ(database->stats().in_use, 0);
}

// A port that accepts connections and never sends anything.
class SilentServer {
 public:
  SilentServer() : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(::listen(socket_, 64), 0);
    socklen_t size = sizeof(address);
    EXPECT_EQ(::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
  }
  ~SilentServer() { ::close(socket_); }
  int port() const { return port_; }

 private:
  const int socket_;
  int port_ = 0;
};

TEST(Pool, AServerThatIsSilentCostsOneThreadAtATime) {
  SilentServer server;
  DatabaseOptions options;
  options.host = "127.0.0.1";
  options.port = server.port();
  options.user = "nobody";
  options.dbname = "none";
  options.connect_timeout = absl::Seconds(2);
  auto database = OpenDatabase(options);
  EXPECT_EQ(ReasonOf(database->Execute(Soon(), kOne).status()), ErrorReason::kDependencyDown);
  // The failure is known now, and reported at once.
  const absl::Time start = SteadyNow();
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(ReasonOf(database->Execute(Soon(), kOne).status()), ErrorReason::kDependencyDown);
  }
  EXPECT_LT(SteadyNow() - start, absl::Seconds(1));
  EXPECT_EQ(database->stats().connect_failures, 1);
}

TEST(Pool, NobodyWaitsForASilentServerLongerThanItsDeadline) {
  SilentServer server;
  DatabaseOptions options;
  options.host = "127.0.0.1";
  options.port = server.port();
  options.user = "nobody";
  options.dbname = "none";
  options.connect_silence = absl::Seconds(60);
  options.connect_timeout = absl::Seconds(60);
  auto database = OpenDatabase(options);
  const absl::Time start = SteadyNow();
  EXPECT_EQ(ReasonOf(database->Ping(start + absl::Milliseconds(50))),
            ErrorReason::kDeadlineExceeded);
  database.reset();
  EXPECT_LT(SteadyNow() - start, absl::Seconds(10));
}

// A role that may have fewer connections than the pool would take.
DatabaseOptions LimitedRole(int connections) {
  DatabaseOptions options = TestPostgres::Shared().CreateDatabaseOptions();
  auto admin = OpenDatabase(options);
  options.user = absl::StrCat("limited_", options.dbname);
  EXPECT_TRUE(admin
                  ->ExecuteScript(Soon(), absl::StrCat("CREATE ROLE ", options.user,
                                                       " LOGIN CONNECTION LIMIT ", connections))
                  .ok());
  return options;
}

TEST(Pool, ARefusedConnectionIsNobodysFailureWhileOthersAreOpen) {
  DatabaseOptions options = LimitedRole(2);
  options.pool_size = 8;
  auto database = OpenDatabase(options);
  std::atomic<int> failed{0};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 16; ++i) {
      threads.emplace_back([&] {
        for (int call = 0; call < 5; ++call) {
          if (!database->Execute(Soon(), kSleep, {"0.005"}).ok()) ++failed;
        }
      });
    }
  }
  EXPECT_EQ(failed, 0);
  EXPECT_LE(database->stats().idle, 2);
  EXPECT_GE(database->stats().connect_failures, 1);
}

TEST(Pool, AFullServerIsWaitedForAMoment) {
  DatabaseOptions options = LimitedRole(1);
  auto other = OpenDatabase(options);
  ASSERT_TRUE(other->Execute(Soon(), kOne).ok());
  auto database = OpenDatabase(options);
  std::jthread closer([&] {
    while (database->stats().connect_failures == 0) std::this_thread::yield();
    other->CloseIdle();
  });
  const absl::StatusOr<Result> result = database->Execute(Soon(), kOne);
  EXPECT_TRUE(result.ok()) << DatabaseCause(result.status());
  // And for no longer.
  EXPECT_EQ(ReasonOf(other->Execute(Soon(), kOne).status()), ErrorReason::kDependencyDown);
}

TEST(Deadline, CancelsARunningStatementAtTheServer) {
  auto database = TestPostgres::Shared().CreateDatabase(2);
  const absl::Time start = SteadyNow();
  auto slept = database->Execute(start + absl::Milliseconds(100), kSleep, {30});
  EXPECT_EQ(ReasonOf(slept.status()), ErrorReason::kDeadlineExceeded);
  EXPECT_LT(SteadyNow() - start, absl::Seconds(5));
  EXPECT_EQ(database->Execute(Soon(), kSleepers)->front().Int64(0), 0);
  // The cancelled connection is not used again: a late cancel request would hit the next.
  EXPECT_TRUE(database->Execute(Soon(), kOne).ok());
  EXPECT_EQ(database->stats().statement_timeouts, 1);
}

TEST(Deadline, EndsATransaction) {
  auto database = TestPostgres::Shared().CreateDatabase(1);
  const absl::Status status = database->Transact(
      SteadyNow() + absl::Milliseconds(100),
      [](Transaction& transaction) { return transaction.Execute(kSleep, {30}).status(); });
  EXPECT_EQ(ReasonOf(status), ErrorReason::kDeadlineExceeded);
  EXPECT_TRUE(database->Execute(Soon(), kOne).ok());
}

TEST(Deadline, ThatHasPassedSendsNothing) {
  auto database = TestPostgres::Shared().CreateDatabase(1);
  ASSERT_TRUE(database->Execute(Soon(), kOne).ok());
  const int64_t before = database->stats().round_trips;
  EXPECT_EQ(ReasonOf(database->Execute(SteadyNow() - absl::Seconds(1), kOne).status()),
            ErrorReason::kDeadlineExceeded);
  EXPECT_EQ(database->stats().round_trips, before);
}

TEST(Deadline, TheSessionsOwnLimitIsABackstop) {
  DatabaseOptions options = TestPostgres::Shared().CreateDatabaseOptions();
  options.default_statement_timeout = absl::Milliseconds(50);
  auto database = OpenDatabase(options);
  EXPECT_EQ(ReasonOf(database->Execute(Soon(), kSleep, {30}).status()),
            ErrorReason::kDeadlineExceeded);
}

TEST(Conflict, DeadlocksAreRepeated) {
  auto database = TestPostgres::Shared().CreateDatabase(2);
  ASSERT_TRUE(database
                  ->ExecuteScript(Soon(),
                                  "CREATE TABLE n (id INT PRIMARY KEY, v INT);"
                                  "INSERT INTO n VALUES (1, 0), (2, 0)")
                  .ok());
  constexpr Statement kAdd = {"t_add", "UPDATE n SET v = v + 1 WHERE id = $1"};
  std::latch both_hold(2);
  const auto run = [&](int first, int second) {
    return database->Transact(Soon(), [&](Transaction& transaction) -> absl::Status {
      RETURN_IF_ERROR(transaction.Execute(kAdd, {first}).status());
      if (transaction.attempt() == 1) both_hold.arrive_and_wait();
      return transaction.Execute(kAdd, {second}).status();
    });
  };
  absl::Status one;
  absl::Status two;
  {
    std::jthread a([&] { one = run(1, 2); });
    std::jthread b([&] { two = run(2, 1); });
  }
  EXPECT_TRUE(one.ok()) << DatabaseCause(one);
  EXPECT_TRUE(two.ok()) << DatabaseCause(two);
  constexpr Statement kSum = {"t_sum", "SELECT SUM(v) FROM n"};
  EXPECT_EQ(database->Execute(Soon(), kSum)->front().Int64(0), 4);
  EXPECT_GE(database->stats().retries, 1);
}

TEST(Conflict, SerializationFailuresAreRepeated) {
  auto database = TestPostgres::Shared().CreateDatabase(2);
  ASSERT_TRUE(database
                  ->ExecuteScript(Soon(),
                                  "CREATE TABLE n (id INT PRIMARY KEY, v INT);"
                                  "INSERT INTO n VALUES (1, 0)")
                  .ok());
  constexpr Statement kRead = {"t_read", "SELECT v FROM n WHERE id = 1"};
  constexpr Statement kWrite = {"t_write", "UPDATE n SET v = $1 WHERE id = 1"};
  std::latch both_read(2);
  const auto increment = [&] {
    return database->Transact(
        Soon(), Isolation::kRepeatableRead, [&](Transaction& transaction) -> absl::Status {
          ASSIGN_OR_RETURN(const Result read, transaction.Execute(kRead));
          if (transaction.attempt() == 1) both_read.arrive_and_wait();
          return transaction.Execute(kWrite, {read.front().Int64(0) + 1}).status();
        });
  };
  {
    std::jthread a([&] { EXPECT_TRUE(increment().ok()); });
    std::jthread b([&] { EXPECT_TRUE(increment().ok()); });
  }
  EXPECT_EQ(database->Execute(Soon(), kRead)->front().Int64(0), 2);
}

TEST(Lost, ADeadIdleConnectionIsReplacedUnseen) {
  auto database = TestPostgres::Shared().CreateDatabase(2);
  auto admin = OpenDatabase(database->options());
  for (int round = 0; round < 3; ++round) {
    auto pid = database->Execute(Soon(), kPid);
    ASSERT_TRUE(pid.ok()) << DatabaseCause(pid.status());
    constexpr Statement kGone = {"t_gone", "SELECT 1 FROM pg_stat_activity WHERE pid = $1"};
    ASSERT_TRUE(admin->Execute(Soon(), kTerminate, {pid->front().Int64(0)}).ok());
    while (!admin->Execute(Soon(), kGone, {pid->front().Int64(0)})->empty()) {
      std::this_thread::yield();
    }
  }
  EXPECT_TRUE(database->Execute(Soon(), kOne).ok());
}

TEST(Lost, InTheMiddleOfAStatementIsAnErrorAndThenOver) {
  auto database = TestPostgres::Shared().CreateDatabase(1);
  auto admin = OpenDatabase(database->options());
  const int64_t pid = database->Execute(Soon(), kPid)->front().Int64(0);
  {
    std::jthread killer([&] {
      while (admin->Execute(Soon(), kSleepers)->front().Int64(0) == 0) std::this_thread::yield();
      EXPECT_TRUE(admin->Execute(Soon(), kTerminate, {pid}).ok());
    });
    EXPECT_EQ(ReasonOf(database->Execute(Soon(), kSleep, {30}).status()),
              ErrorReason::kDependencyDown);
  }
  EXPECT_TRUE(database->Execute(Soon(), kOne).ok());
}

TEST(Lost, AnUnreachableServerIsADependencyDown) {
  DatabaseOptions options;
  options.host = "/nonexistent";
  options.user = "nobody";
  auto database = OpenDatabase(options);
  const absl::Status status = database->Ping(Soon());
  EXPECT_EQ(ReasonOf(status), ErrorReason::kDependencyDown);
  EXPECT_EQ(database->stats().in_use, 0);
  EXPECT_EQ(status.message(), "The database is not available");
}

TEST(Listen, TakesOneOfThePoolsConnections) {
  DatabaseOptions options = LimitedRole(3);
  options.pool_size = 3;
  auto database = OpenDatabase(options);
  absl::Notification listening;
  auto subscription = database->Listen("changes", [&](const Notification& notification) {
    if (notification.resynchronise) listening.Notify();
  });
  listening.WaitForNotification();
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&] { EXPECT_TRUE(database->Execute(Soon(), kSleep, {"0.02"}).ok()); });
    }
  }
  EXPECT_EQ(database->stats().connect_failures, 0);
  EXPECT_EQ(database->stats().idle, 2);
}

TEST(Listen, LeavesTheOnlyConnectionAlone) {
  DatabaseOptions options = LimitedRole(1);
  options.pool_size = 1;
  auto database = OpenDatabase(options);
  absl::Notification told;
  auto subscription = database->Listen("changes", [&](const Notification& notification) {
    if (notification.resynchronise) told.Notify();
  });
  told.WaitForNotification();
  EXPECT_TRUE(database->Execute(Soon(), kOne).ok());
  EXPECT_EQ(database->stats().connect_failures, 0);
}

TEST(Listen, DeliversAndSurvivesALostConnection) {
  auto database = TestPostgres::Shared().CreateDatabase(2);
  std::mutex mutex;
  std::condition_variable changed;
  int synchronised = 0;
  std::vector<std::string> payloads;
  auto subscription = database->Listen("changes", [&](const Notification& notification) {
    const std::lock_guard lock(mutex);
    if (notification.resynchronise) {
      ++synchronised;
    } else {
      payloads.push_back(notification.payload);
    }
    changed.notify_all();
  });
  ASSERT_TRUE(subscription.ok());
  std::unique_lock lock(mutex);
  const auto await = [&](auto condition) {
    return changed.wait_for(lock, std::chrono::seconds(30), condition);
  };
  ASSERT_TRUE(await([&] { return synchronised == 1; }));
  ASSERT_TRUE(database->Notify(Soon(), "changes", "it's me").ok());
  ASSERT_TRUE(await([&] { return payloads.size() == 1; }));
  EXPECT_EQ(payloads[0], "it's me");
  constexpr Statement kKillListeners = {
      "t_kill_listeners",
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
      "WHERE datname = current_database() AND query LIKE 'LISTEN%'"};
  ASSERT_EQ(database->Execute(Soon(), kKillListeners)->rows(), 1);
  ASSERT_TRUE(await([&] { return synchronised == 2; }));
  ASSERT_TRUE(database->Notify(Soon(), "changes", "again").ok());
  ASSERT_TRUE(await([&] { return payloads.size() == 2; }));
}

}  // namespace
}  // namespace gatehouse::db
