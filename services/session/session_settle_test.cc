// A rotation whose outcome is unknown, or that was never reported, costs nobody the session.

#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "libs/base/steady_time.h"
#include "services/session/session_test_env.h"

namespace gatehouse::session {
namespace {

constexpr int64_t kGraceMs = 30'000;

// A wrapper of the real store; a test determines what happens to one of its statements.
class FaultyStore final : public SessionStore {
 public:
  explicit FaultyStore(SessionStore& real) : real_(real) {}

  using Rotated = absl::StatusOr<std::optional<ChangedSession>>;
  // Called with what the real store would do.
  std::function<Rotated(const Rotation&, absl::Time deadline, std::function<Rotated()> really)>
      on_rotate;

  Rotated Rotate(const tenancy::Tenant& tenant, std::string_view handle, const Rotation& rotation,
                 const std::optional<std::string>& resolve_user_id, absl::Time deadline) override {
    const auto really = [&] {
      return real_.Rotate(tenant, handle, rotation, resolve_user_id, gatehouse::testing::Soon());
    };
    return on_rotate ? on_rotate(rotation, deadline, really) : really();
  }

  absl::StatusOr<CreatedSession> Create(const tenancy::Tenant& tenant, const NewSession& session,
                                        absl::Time deadline) override {
    return real_.Create(tenant, session, deadline);
  }
  absl::StatusOr<std::optional<ShownSession>> GetShown(const tenancy::Tenant& tenant,
                                                       std::string_view handle,
                                                       absl::Time deadline) override {
    return real_.GetShown(tenant, handle, deadline);
  }
  absl::StatusOr<std::optional<SessionRow>> Get(const tenancy::Tenant& tenant,
                                                std::string_view handle,
                                                absl::Time deadline) override {
    return real_.Get(tenant, handle, deadline);
  }
  absl::Status UndoRotation(const tenancy::Tenant& tenant, std::string_view handle,
                            std::string_view new_hash2, absl::Time deadline) override {
    return real_.UndoRotation(tenant, handle, new_hash2, deadline);
  }
  absl::StatusOr<std::optional<ChangedSession>> Promote(const tenancy::Tenant& tenant,
                                                        std::string_view handle,
                                                        const Promotion& promotion,
                                                        absl::Time deadline) override {
    return real_.Promote(tenant, handle, promotion, deadline);
  }
  absl::StatusOr<std::optional<SeenSession>> GetPromoting(
      const tenancy::Tenant& tenant, std::string_view handle, const Promotion& promotion,
      const std::optional<std::string>& resolve_user_id, absl::Time deadline) override {
    return real_.GetPromoting(tenant, handle, promotion, resolve_user_id, deadline);
  }
  absl::Status SetUseStaticKey(const tenancy::Tenant& tenant, std::string_view handle,
                               bool use_static_key, absl::Time deadline) override {
    return real_.SetUseStaticKey(tenant, handle, use_static_key, deadline);
  }
  absl::StatusOr<std::optional<ChangedSession>> Update(
      const tenancy::Tenant& tenant, std::string_view handle, int64_t now_ms,
      const std::optional<std::string>& session_data, const std::optional<std::string>& jwt_payload,
      absl::Time deadline) override {
    return real_.Update(tenant, handle, now_ms, session_data, jwt_payload, deadline);
  }
  absl::StatusOr<std::vector<std::string>> Delete(const tenancy::Tenant& tenant,
                                                  const std::vector<std::string>& handles,
                                                  absl::Time deadline) override {
    return real_.Delete(tenant, handles, deadline);
  }
  absl::StatusOr<std::vector<std::string>> List(const tenancy::Tenant& tenant,
                                                const UserSessions& sessions,
                                                absl::Time deadline) override {
    return real_.List(tenant, sessions, deadline);
  }
  absl::StatusOr<std::vector<std::string>> DeleteOfUsers(const tenancy::Tenant& tenant,
                                                         const UserSessions& sessions,
                                                         absl::Time deadline) override {
    return real_.DeleteOfUsers(tenant, sessions, deadline);
  }
  absl::StatusOr<bool> Exists(const tenancy::Tenant& tenant, const UserSessions& sessions,
                              absl::Time deadline) override {
    return real_.Exists(tenant, sessions, deadline);
  }

 private:
  SessionStore& real_;
};

absl::Status Lost() { return MakeError(ErrorReason::kDependencyDown, "The connection was lost"); }

class SettleTest : public SessionServiceTest {
 protected:
  absl::StatusOr<v1::RefreshSessionResponse> RefreshFaultily(const v1::IssuedSession& session) {
    auto context = Context();
    return faulty.RefreshSession(context,
                                 RefreshRequest(session.refresh_token().token(), /*eager=*/true));
  }
  std::string CurrentHash(const v1::IssuedSession& session) {
    return Row(session.session().handle()).value_or(SessionRow()).refresh_hash2;
  }

  FaultyStore faults{store};
  SessionService faulty{
      {tenants.directory(), faults, keys, master_keys, users, untold, activities, clock}};
};

TEST_F(SettleTest, ALostAnswerIsSettledBeforeTheClientIsAnswered) {
  for (const bool happened : {true, false}) {
    const auto first = Create();
    int calls = 0;
    faults.on_rotate = [&](const Rotation&, absl::Time, auto really) -> FaultyStore::Rotated {
      if (++calls > 1) return really();
      if (happened) {
        EXPECT_TRUE(really()->has_value());
      }
      return Lost();
    };
    const auto second = RefreshFaultily(first);
    ASSERT_TRUE(second.ok()) << second.status();
    ASSERT_TRUE(second->has_issued());
    EXPECT_EQ(calls, 2);
    EXPECT_EQ(CurrentHash(first), Hash2(second->issued().refresh_token()));
    EXPECT_TRUE(Refresh(second->issued(), /*eager=*/true).has_issued());
  }
}

TEST_F(SettleTest, ARotationThatNobodyWasToldOfIsNoTheftHoweverLateTheClientComes) {
  const auto first = Create();
  faults.on_rotate = [](const Rotation&, absl::Time, auto really) -> FaultyStore::Rotated {
    EXPECT_TRUE(really()->has_value());
    return Lost();
  };
  EXPECT_EQ(ReasonOf(RefreshFaultily(first).status()), ErrorReason::kDependencyDown);
  EXPECT_NE(CurrentHash(first), Hash2(first.refresh_token()));  // it did happen
  clock.AdvanceMs(kGraceMs + 1);
  const auto second = Refresh(first, /*eager=*/true);
  ASSERT_TRUE(second.has_issued());
  // And from there on as usual: the old token counts as stolen when it comes late.
  clock.AdvanceMs(kGraceMs + 1);
  EXPECT_EQ(Refresh(first, /*eager=*/true).token_theft().reuse_subtype(),
            v1::REUSE_SUBTYPE_RECENT_PREV);
}

TEST_F(SettleTest, SoIsOneThatEndedAfterItsCallerHadGone) {
  const auto first = Create();
  faults.on_rotate = [](const Rotation&, absl::Time deadline, auto really) {
    while (SteadyNow() < deadline) std::this_thread::yield();
    return really();
  };
  auto context = Context();
  context.deadline = SteadyNow() + absl::Milliseconds(20);
  const auto late =
      faulty.RefreshSession(context, RefreshRequest(first.refresh_token().token(), /*eager=*/true));
  EXPECT_EQ(ReasonOf(late.status()), ErrorReason::kDeadlineExceeded);
  clock.AdvanceMs(kGraceMs + 1);
  EXPECT_TRUE(Refresh(first, /*eager=*/true).has_issued());
}

TEST_F(SettleTest, OtherInstancesFindItTakenBack) {
  const auto first = Create();
  faults.on_rotate = [](const Rotation&, absl::Time, auto really) -> FaultyStore::Rotated {
    EXPECT_TRUE(really()->has_value());
    return Lost();
  };
  EXPECT_FALSE(RefreshFaultily(first).ok());
  EXPECT_TRUE(untold.Settle(tenants.directory(), store, gatehouse::testing::Soon()).ok());
  EXPECT_EQ(CurrentHash(first), Hash2(first.refresh_token()));
  clock.AdvanceMs(kGraceMs + 1);
  UntoldRotations none;
  SessionService other{
      {tenants.directory(), store, keys, master_keys, users, none, activities, clock}};
  auto context = Context();
  const auto second =
      other.RefreshSession(context, RefreshRequest(first.refresh_token().token(), /*eager=*/true));
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_TRUE(second->has_issued());
}

TEST_F(SettleTest, WhatTheClientGotInTheMeantimeIsNotTakenBack) {
  const auto first = Create();
  faults.on_rotate = [](const Rotation&, absl::Time, auto really) -> FaultyStore::Rotated {
    EXPECT_TRUE(really()->has_value());
    return Lost();
  };
  EXPECT_FALSE(RefreshFaultily(first).ok());
  const auto second = Refresh(first, /*eager=*/true).issued();
  EXPECT_TRUE(untold.Settle(tenants.directory(), store, gatehouse::testing::Soon()).ok());
  EXPECT_EQ(CurrentHash(first), Hash2(second.refresh_token()));
  EXPECT_TRUE(Refresh(second, /*eager=*/true).has_issued());
}

// A server that hung runs what it has read, long after the client was told to try again.
TEST_F(SettleTest, AStragglerDisplacesNothingThatSomebodyHas) {
  const auto first = Create();
  std::vector<Rotation> given_up;
  faults.on_rotate = [&](const Rotation& rotation, absl::Time, auto) -> FaultyStore::Rotated {
    given_up.push_back(rotation);
    return Lost();
  };
  EXPECT_FALSE(RefreshFaultily(first).ok());
  ASSERT_EQ(given_up.size(), 2u);
  const auto tenant = tenants.directory().Find(scope);
  const auto run = [&](const Rotation& rotation) {
    const auto rotated = store.Rotate(**tenant, first.session().handle(), rotation, std::nullopt,
                                      gatehouse::testing::Soon());
    EXPECT_TRUE(rotated.ok()) << rotated.status();
    return rotated.ok() && rotated->has_value();
  };

  clock.AdvanceMs(kGraceMs / 3);
  const auto second = Refresh(first, /*eager=*/true).issued();
  EXPECT_FALSE(run(given_up[0]));
  EXPECT_EQ(CurrentHash(first), Hash2(second.refresh_token()));

  // It does rotate a session that its client did not come back to; that is no theft either.
  const auto other = Create();
  given_up.clear();
  EXPECT_FALSE(RefreshFaultily(other).ok());
  clock.AdvanceMs(10 * kGraceMs);
  const auto rotated = store.Rotate(**tenant, other.session().handle(), given_up[0], std::nullopt,
                                    gatehouse::testing::Soon());
  ASSERT_TRUE(rotated.ok() && rotated->has_value());
  EXPECT_TRUE(Refresh(other, /*eager=*/true).has_issued());
}

TEST_F(SettleTest, ARefreshLeavesMostOfTheGracePeriod) {
  const auto first = Create();
  absl::Time given = absl::InfiniteFuture();
  faults.on_rotate = [&](const Rotation&, absl::Time deadline, auto really) {
    given = std::min(given, deadline);
    return really();
  };
  auto context = Context();
  context.deadline = SteadyNow() + absl::Hours(1);
  const auto refreshed =
      faulty.RefreshSession(context, RefreshRequest(first.refresh_token().token(), /*eager=*/true));
  ASSERT_TRUE(refreshed.ok()) << refreshed.status();
  EXPECT_LE(given, SteadyNow() + absl::Milliseconds(kGraceMs) / 3);
  EXPECT_LE(context.deadline, SteadyNow() + absl::Milliseconds(kGraceMs) / 3);
}

}  // namespace
}  // namespace gatehouse::session
