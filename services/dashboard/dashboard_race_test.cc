// Many threads on one user of the dashboard: whatever the order, no session outlives what it stood
// for.

#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "services/dashboard/dashboard_test_env.h"

namespace gatehouse::dashboard {
namespace {

// Runs the steps in threads of their own, started together.
void AtOnce(const std::vector<std::function<void()>>& steps) {
  std::barrier start(static_cast<std::ptrdiff_t>(steps.size()));
  std::vector<std::thread> threads;
  for (const auto& step : steps) {
    threads.emplace_back([&step, &start] {
      start.arrive_and_wait();
      step();
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// Does something to the user between the check of a password and the session.
class Meanwhile final : public passwords::PasswordHasher {
 public:
  explicit Meanwhile(passwords::PasswordHasher& hasher) : hasher_(hasher) {}
  std::function<void()> action = [] {};

  absl::StatusOr<std::string> Hash(const config::CoreConfig& config, std::string_view password,
                                   absl::Time deadline) override {
    return hasher_.Hash(config, password, deadline);
  }
  absl::StatusOr<bool> Verify(const config::CoreConfig& config, std::string_view password,
                              std::string_view stored, absl::Time deadline) override {
    auto matches = hasher_.Verify(config, password, stored, deadline);
    action();
    return matches;
  }
  absl::Status VerifyNothing(const config::CoreConfig& config, std::string_view password,
                             absl::Time deadline) override {
    return hasher_.VerifyNothing(config, password, deadline);
  }

 private:
  passwords::PasswordHasher& hasher_;
};

class DashboardRaceTest : public DashboardTest {
 protected:
  // Whether a sign-in during which `action` happens begins a session.
  bool SignsInWhile(const std::function<void()>& action) {
    Meanwhile hasher(hasher_);
    hasher.action = action;
    DashboardUsers rules(store_, hasher, clock_);
    DashboardUserServiceImpl users(tenants_.directory(), rules, store_);
    v1::SignInRequest request;
    *request.mutable_scope() = app_;
    request.set_email("admin@x.io");
    request.set_password("validPass1");
    rpc::CallContext context = InTime();
    return Get(users.SignIn(context, request)).has_session_id();
  }
};

TEST_F(DashboardRaceTest, OneOfManyGetsAnEmail) {
  std::atomic<int> created = 0;
  std::atomic<int> refused = 0;
  AtOnce(std::vector<std::function<void()>>(8, [&] {
    const v1::CreateUserResponse response = Create("admin@x.io");
    created += response.has_created();
    refused += response.email_already_exists();
  }));
  EXPECT_EQ(created, 1);
  EXPECT_EQ(refused, 7);
}

TEST_F(DashboardRaceTest, OneOfManyUsersTakesAnEmail) {
  std::vector<std::string> ids;
  for (int i = 0; i < 8; ++i) {
    ids.push_back(Create("user" + std::to_string(i) + "@x.io").created().user_id());
  }
  std::atomic<int> updated = 0;
  std::vector<std::function<void()>> steps;
  for (const std::string& id : ids) {
    steps.emplace_back([&, id] { updated += Update(id, "admin@x.io").has_updated(); });
  }
  AtOnce(steps);
  EXPECT_EQ(updated, 1);
}

TEST_F(DashboardRaceTest, WhoIsRemovedWhileSigningInGetsNoSession) {
  const std::string user_id = Create("admin@x.io").created().user_id();
  EXPECT_FALSE(SignsInWhile([&] { Delete(user_id); }));
  EXPECT_EQ(SessionRows(), 0);
}

TEST_F(DashboardRaceTest, AnotherOfThatEmailDoesNotGetTheSession) {
  const std::string user_id = Create("admin@x.io").created().user_id();
  EXPECT_FALSE(SignsInWhile([&] {
    Delete(user_id);
    Create("admin@x.io", "otherPass2");
  }));
  EXPECT_EQ(SessionRows(), 0);
}

TEST_F(DashboardRaceTest, AnOldPasswordBeginsNoSessionOnceItIsChanged) {
  const std::string user_id = Create("admin@x.io").created().user_id();
  EXPECT_FALSE(SignsInWhile([&] { Update(user_id, "", "otherPass2"); }));
  EXPECT_FALSE(SignsInWhile([&] { Update(user_id, "new@x.io"); }));
  EXPECT_EQ(SessionRows(), 0);
}

// The session's insertion against the change, in the database.
TEST_F(DashboardRaceTest, NoSessionOutlivesAChangeOfThePassword) {
  const std::string user_id = Create("admin@x.io").created().user_id();
  const Where app{tenants_.directory().FindApp(app_).value(), testing::Soon()};
  for (int round = 0; round < 40; ++round) {
    const std::string old_hash = "hash" + std::to_string(round);
    const std::string new_hash = "hash" + std::to_string(round + 1);
    ASSERT_TRUE(store_.UpdateUser(app, user_id, nullptr, &old_hash).ok());
    std::vector<std::function<void()>> steps;
    for (int i = 0; i < 6; ++i) {
      steps.emplace_back([&, i] {
        const Session session{.session_id = "s" + std::to_string(i),
                              .user_id = user_id,
                              .time_created_ms = 1,
                              .expiry_ms = clock_.NowMs() + 1000};
        EXPECT_TRUE(store_.AddSession(app, session, "admin@x.io", old_hash).ok());
      });
    }
    steps.emplace_back(
        [&] { EXPECT_TRUE(store_.UpdateUser(app, user_id, nullptr, &new_hash).ok()); });
    AtOnce(steps);
    EXPECT_EQ(SessionRows(), 0) << "round " << round;
  }
}

}  // namespace
}  // namespace gatehouse::dashboard
