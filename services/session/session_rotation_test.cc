#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>
#include <latch>
#include <thread>
#include <vector>

#include "services/session/session_test_env.h"

namespace gatehouse::session {
namespace {

constexpr bool kEager = true;
constexpr bool kLazy = false;
constexpr int64_t kGraceMs = 30'000;
constexpr int64_t kRefreshValidityMs = 8'640'000'000;

using LazyRotationTest = SessionServiceTest;
class EagerRotationTest : public SessionServiceTest {
 protected:
  // A refresh fails, and may be tried again, while the registry is needed and does not answer.
  void ExpectNoRefreshWithoutTheRegistry(const v1::IssuedSession& session) {
    registry.down = true;
    auto context = Context();
    const auto refreshed =
        service.RefreshSession(context, RefreshRequest(session.refresh_token().token(), kEager));
    EXPECT_EQ(ReasonOf(refreshed.status()), ErrorReason::kDependencyDown);
    registry.down = false;
  }
};

TEST_F(LazyRotationTest, CurrentTokenGivesAChildAndChangesNothing) {
  const auto first = Create();
  const auto before = *Row(first.session().handle());
  const int64_t statements = database->statements_executed();
  clock.AdvanceMs(1000);
  const auto second = Refresh(first, kLazy).issued();
  EXPECT_EQ(database->statements_executed() - statements, 1);
  const auto after = *Row(first.session().handle());
  EXPECT_EQ(after.refresh_hash2, before.refresh_hash2);
  EXPECT_EQ(after.expires_at_ms, before.expires_at_ms);
  EXPECT_EQ(after.previous_refresh_hash2, std::nullopt);
  const AccessToken token = Read(second.access_token());
  EXPECT_EQ(token.refresh_token_hash1, Hash1(second.refresh_token().token()));
  EXPECT_EQ(token.parent_refresh_token_hash1, Hash1(first.refresh_token().token()));
  EXPECT_EQ(second.refresh_token().expiry_ms(), clock.NowMs() + kRefreshValidityMs);
  // The parent keeps working until a child is used.
  EXPECT_TRUE(Refresh(first, kLazy).has_issued());
}

TEST_F(LazyRotationTest, UseOfAChildMakesItCurrent) {
  const auto first = Create();
  const auto second = Refresh(first, kLazy).issued();
  clock.AdvanceMs(1000);
  const auto third = Refresh(second, kLazy);
  ASSERT_TRUE(third.has_issued());
  const auto row = *Row(first.session().handle());
  EXPECT_EQ(row.refresh_hash2, Hash2(second.refresh_token()));
  EXPECT_EQ(row.previous_refresh_hash2, Hash2(first.refresh_token()));
  EXPECT_EQ(row.rotated_at_ms, clock.NowMs());
  EXPECT_EQ(row.expires_at_ms, clock.NowMs() + kRefreshValidityMs);

  const auto theft = Refresh(first, kLazy);
  ASSERT_TRUE(theft.has_token_theft());
  EXPECT_EQ(theft.token_theft().handle(), first.session().handle());
  EXPECT_EQ(theft.token_theft().user_id(), "user");
  EXPECT_EQ(theft.token_theft().recipe_user_id(), "user");
  EXPECT_EQ(theft.token_theft().reuse_subtype(), v1::REUSE_SUBTYPE_UNSPECIFIED);
  EXPECT_TRUE(Row(first.session().handle()).has_value());  // SDKs end it
}

TEST_F(LazyRotationTest, AChildIsPromotedByTheStatementThatFindsTheSession) {
  const auto first = Create();
  const auto second = Refresh(first, kLazy).issued();
  const int64_t statements = database->statements_executed();
  EXPECT_TRUE(Refresh(second, kLazy).has_issued());
  EXPECT_EQ(database->statements_executed() - statements, 1);
  // And when it is current already.
  EXPECT_TRUE(Refresh(second, kLazy).has_issued());
  EXPECT_EQ(database->statements_executed() - statements, 2);
}

TEST_F(LazyRotationTest, AChildOfAnExpiredSessionIsNotPromoted) {
  const auto first = Create();
  const auto second = Refresh(first, kLazy).issued();
  clock.AdvanceMs(kRefreshValidityMs + 1);
  EXPECT_TRUE(Refresh(second, kLazy).has_unauthorised());
  EXPECT_EQ(Row(first.session().handle())->refresh_hash2, Hash2(first.refresh_token()));
}

TEST_F(LazyRotationTest, ManyAtOnceWithOneChildAllGetTheirTokens) {
  const auto first = Create();
  const auto second = Refresh(first, kLazy).issued();
  constexpr int kThreads = 8;
  std::atomic<int> issued = 0;
  std::latch ready(kThreads);
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&] {
        ready.arrive_and_wait();
        if (Refresh(second, kLazy).has_issued()) ++issued;
      });
    }
  }
  EXPECT_EQ(issued, kThreads);
  EXPECT_EQ(Row(first.session().handle())->refresh_hash2, Hash2(second.refresh_token()));
}

TEST_F(LazyRotationTest, VerifyOfTheFirstAccessTokenMakesItsRefreshTokenCurrent) {
  const auto first = Create();
  const auto second = Refresh(first, kLazy).issued();
  clock.AdvanceMs(1000);
  const int64_t statements = database->statements_executed();
  auto verified = Verify(second.access_token().token(), false, /*stateless=*/false)->verified();
  EXPECT_EQ(database->statements_executed() - statements, 1);
  ASSERT_TRUE(verified.has_access_token());
  const AccessToken renewed = Read(verified.access_token());
  EXPECT_EQ(renewed.parent_refresh_token_hash1, std::nullopt);
  EXPECT_EQ(renewed.refresh_token_hash1, Hash1(second.refresh_token().token()));
  EXPECT_EQ(verified.access_token().expiry_ms(), clock.NowMs() + 3'600'000);
  const auto row = *Row(first.session().handle());
  EXPECT_EQ(row.refresh_hash2, Hash2(second.refresh_token()));
  EXPECT_EQ(row.previous_refresh_hash2, Hash2(first.refresh_token()));

  // Again: nothing to change, but a new token all the same.
  verified = Verify(second.access_token().token(), false, false)->verified();
  EXPECT_TRUE(verified.has_access_token());
  // The renewed token needs no database.
  const int64_t now_statements = database->statements_executed();
  verified = Verify(verified.access_token().token(), false, false)->verified();
  EXPECT_FALSE(verified.has_access_token());
  EXPECT_EQ(database->statements_executed(), now_statements);
  // A token of the losing branch gets none.
  EXPECT_TRUE(Verify(first.access_token().token(), false, false)->has_verified());
}

TEST_F(LazyRotationTest, VerifyHandsOutTheCurrentPayload) {
  auto request = NewRequest();
  const auto first = Create(request);
  v1::UpdateSessionRequest update;
  *update.mutable_scope() = scope;
  update.set_handle(first.session().handle());
  update.set_user_data_in_jwt_json(R"({"role":"y"})");
  auto context = Context();
  ASSERT_TRUE(service.UpdateSession(context, update)->found());
  EXPECT_FALSE(Verify(first.access_token().token(), false, false)->verified().has_access_token());
  const auto verified = Verify(first.access_token().token(), true, false)->verified();
  EXPECT_EQ(verified.session().user_data_in_jwt_json(), R"({"role":"y"})");
  EXPECT_EQ(json::Serialize(Read(verified.access_token()).user_data), R"({"role":"y"})");
}

TEST_F(LazyRotationTest, StaticKeyFlagOfTheRequestIsKept) {
  const auto first = Create();
  auto request = RefreshRequest(first.refresh_token().token(), kLazy);
  request.set_use_static_key(true);
  EXPECT_EQ(SplitAccessToken(Refresh(request).issued().access_token().token())->key_id, "s-static");
  const auto row = *Row(first.session().handle());
  EXPECT_TRUE(row.use_static_key);
  EXPECT_EQ(row.refresh_hash2, Hash2(first.refresh_token()));
  EXPECT_EQ(row.previous_refresh_hash2, std::nullopt);
}

// The user was linked, and given another id, since its session was made: the refresh token's id is
// kept, and the primary user's is that of now.
void ExpectLinked(const v1::Session& session) {
  EXPECT_EQ(session.user_id(), "primary-external");
  EXPECT_EQ(session.recipe_user_id(), "user");
}

TEST_F(LazyRotationTest, SaysWhoseTheSessionIsNowWithOneStatement) {
  const auto first = Create();
  AddUser("user", "new-id", "primary", "primary-external");
  int64_t statements = database->statements_executed();
  const auto child = Refresh(first, kLazy).issued();
  EXPECT_EQ(database->statements_executed() - statements, 1);
  ExpectLinked(child.session());
  EXPECT_EQ(Read(child.access_token()).user_id, "primary-external");
  statements = database->statements_executed();
  const auto promoting = Refresh(child, kLazy).issued();
  EXPECT_EQ(database->statements_executed() - statements, 1);
  ExpectLinked(promoting.session());
  EXPECT_EQ(registry.asked, 0);
  EXPECT_EQ(registry.active["primary"], 1);
  const auto theft = Refresh(first, kLazy).token_theft();
  EXPECT_EQ(theft.user_id(), "primary-external");
  EXPECT_EQ(theft.recipe_user_id(), "user");
}

TEST_F(EagerRotationTest, SaysWhoseTheSessionIsNow) {
  const auto first = Create();
  AddUser("user", "new-id", "primary", "primary-external");
  const auto second = Refresh(first, kEager).issued();
  ExpectLinked(second.session());
  EXPECT_EQ(Read(second.access_token()).user_id, "primary-external");
  EXPECT_EQ(registry.asked, 0);
  EXPECT_EQ(registry.active["primary"], 1);
  Refresh(second, kEager);
  // A theft that can't be reported yet is found again.
  ExpectNoRefreshWithoutTheRegistry(first);
  EXPECT_TRUE(Row(first.session().handle()).has_value());
  const auto theft = Refresh(first, kEager).token_theft();
  EXPECT_EQ(theft.user_id(), "primary-external");
  EXPECT_EQ(theft.recipe_user_id(), "user");
}

TEST_F(EagerRotationTest, CurrentTokenRotatesWithOneStatement) {
  const auto first = Create();
  clock.AdvanceMs(1000);
  const int64_t statements = database->statements_executed();
  const auto second = Refresh(first, kEager).issued();
  EXPECT_EQ(database->statements_executed() - statements, 1);
  const auto row = *Row(first.session().handle());
  EXPECT_EQ(row.refresh_hash2, Hash2(second.refresh_token()));
  EXPECT_EQ(row.previous_refresh_hash2, Hash2(first.refresh_token()));
  EXPECT_EQ(row.rotated_at_ms, clock.NowMs());
  EXPECT_EQ(row.expires_at_ms, clock.NowMs() + kRefreshValidityMs);
  EXPECT_EQ(Read(second.access_token()).parent_refresh_token_hash1, std::nullopt);
  EXPECT_EQ(OpenRefreshToken(second.refresh_token().token(), crypto::core_vectors::kMasterKey)
                ->parent_hash1,
            Hash1(first.refresh_token().token()));
}

TEST_F(EagerRotationTest, ChildOfTheCurrentTokenRotatesAndBecomesThePreviousOne) {
  const auto first = Create();
  const auto child = Refresh(first, kLazy).issued();
  const auto next = Refresh(child, kEager).issued();
  const auto row = *Row(first.session().handle());
  EXPECT_EQ(row.refresh_hash2, Hash2(next.refresh_token()));
  EXPECT_EQ(row.previous_refresh_hash2, Hash2(child.refresh_token()));
}

TEST_F(EagerRotationTest, PreviousTokenWorksForTheGracePeriodAndMovesNothingElse) {
  const auto first = Create();
  const auto second = Refresh(first, kEager).issued();
  const auto before = *Row(first.session().handle());
  clock.AdvanceMs(kGraceMs / 2);
  const auto retried = Refresh(first, kEager).issued();
  auto row = *Row(first.session().handle());
  EXPECT_EQ(row.refresh_hash2, Hash2(retried.refresh_token()));
  EXPECT_EQ(row.previous_refresh_hash2, Hash2(first.refresh_token()));
  EXPECT_EQ(row.rotated_at_ms, before.rotated_at_ms);
  EXPECT_EQ(row.expires_at_ms, before.expires_at_ms);
  clock.AdvanceMs(kGraceMs / 2);
  EXPECT_TRUE(Refresh(first, kEager).has_issued());
  // The child that the retry displaced is dead.
  const auto theft = Refresh(second, kEager).token_theft();
  EXPECT_EQ(theft.reuse_subtype(), v1::REUSE_SUBTYPE_ORPHANED_BRANCH);
  EXPECT_FALSE(Row(first.session().handle()).has_value());
}

TEST_F(EagerRotationTest, PreviousTokenAfterTheGracePeriodIsTheft) {
  const auto first = Create();
  Refresh(first, kEager);
  clock.AdvanceMs(kGraceMs + 1);
  const auto theft = Refresh(first, kEager).token_theft();
  EXPECT_EQ(theft.reuse_subtype(), v1::REUSE_SUBTYPE_RECENT_PREV);
  EXPECT_EQ(theft.handle(), first.session().handle());
  EXPECT_FALSE(Row(first.session().handle()).has_value());
  EXPECT_EQ(Refresh(first, kEager).unauthorised().message(),
            "Session missing in db or has expired");
}

TEST_F(EagerRotationTest, OlderTokensAreAlwaysTheft) {
  const auto first = Create();
  const auto second = Refresh(first, kEager).issued();
  Refresh(second, kEager);
  const auto theft = Refresh(first, kEager).token_theft();
  EXPECT_EQ(theft.reuse_subtype(), v1::REUSE_SUBTYPE_STALE_LINEAGE);
  EXPECT_FALSE(Row(first.session().handle()).has_value());
}

class UnauthorisedReuseTest : public SessionServiceTest {
 protected:
  UnauthorisedReuseTest()
      : SessionServiceTest(R"({"recent_token_reuse_behaviour":"UNAUTHORISED",)"
                           R"("refresh_token_rotation_grace_period":0})") {}
};

TEST_F(UnauthorisedReuseTest, RecentReuseMayBeReportedAsUnauthorised) {
  const auto first = Create();
  Refresh(first, kEager);
  clock.AdvanceMs(1);
  const auto reply = Refresh(first, kEager);
  EXPECT_EQ(reply.unauthorised().message(), "refresh token reuse detected");
  EXPECT_EQ(reply.unauthorised().reuse_subtype(), v1::REUSE_SUBTYPE_RECENT_PREV);
  EXPECT_FALSE(Row(first.session().handle()).has_value());
}

TEST_F(EagerRotationTest, ExpiredSessionIsMissing) {
  const auto first = Create();
  clock.SetMs(first.refresh_token().expiry_ms() + 1);
  for (const bool eager : {kEager, kLazy}) {
    EXPECT_EQ(Refresh(first, eager).unauthorised().message(),
              "Session missing in db or has expired");
  }
}

TEST_F(EagerRotationTest, AntiCsrfTokenMustMatch) {
  auto create = NewRequest();
  create.set_enable_anti_csrf(true);
  const auto first = Create(create);
  auto request = RefreshRequest(first.refresh_token().token(), kEager);
  request.set_enable_anti_csrf(true);
  EXPECT_EQ(Refresh(request).unauthorised().message(), "Anti CSRF token missing, or not matching");
  request.set_anti_csrf_token("wrong");
  EXPECT_TRUE(Refresh(request).has_unauthorised());
  request.set_anti_csrf_token(first.anti_csrf_token());
  const auto second = Refresh(request).issued();
  EXPECT_NE(second.anti_csrf_token(), first.anti_csrf_token());
  EXPECT_EQ(Read(second.access_token()).anti_csrf_token, second.anti_csrf_token());
}

TEST_F(EagerRotationTest, FailureBelowLeavesTheSessionAsItWas) {
  auto own = gatehouse::testing::TestPostgres::Shared().CreateDatabase();
  tenants.AddWithDatabase("public", "far", *own);  // so that the registry is asked
  const auto first = Create();
  const auto before = *Row(first.session().handle());
  ExpectNoRefreshWithoutTheRegistry(first);
  EXPECT_EQ(Row(first.session().handle())->refresh_hash2, before.refresh_hash2);
}

TEST_F(EagerRotationTest, ManyAtOnceWithOneTokenAllGetTokensAndTheLastIsCurrent) {
  const auto first = Create();
  std::vector<v1::RefreshSessionResponse> responses(16);
  {
    std::vector<std::jthread> threads;
    for (auto& response : responses) {
      threads.emplace_back([&] { response = Refresh(first, kEager); });
    }
  }
  const auto row = *Row(first.session().handle());
  EXPECT_EQ(row.previous_refresh_hash2, Hash2(first.refresh_token()));
  int current = 0;
  for (const auto& response : responses) {
    ASSERT_TRUE(response.has_issued());
    current += Hash2(response.issued().refresh_token()) == row.refresh_hash2;
  }
  EXPECT_EQ(current, 1);
}

class OneConnectionTest : public SessionServiceTest {
 protected:
  OneConnectionTest() : SessionServiceTest("{}", /*pool_size=*/1) {}
};

TEST_F(OneConnectionTest, ManyClientsShareItWithoutAnError) {
  constexpr int kClients = 50;
  constexpr int kRounds = 5;
  std::atomic<int> refreshed = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kClients; ++i) {
      threads.emplace_back([&] {
        v1::IssuedSession session = Create();
        for (int round = 0; round < kRounds; ++round) {
          auto response = Refresh(session, kEager);
          if (!response.has_issued()) return;
          session = response.issued();
          const auto verified = Verify(session.access_token().token(), true, true);
          if (verified.ok() && verified->has_verified()) ++refreshed;
        }
      });
    }
  }
  EXPECT_EQ(refreshed, kClients * kRounds);
}

class JitterTest : public SessionServiceTest {
 protected:
  JitterTest() : SessionServiceTest(R"({"access_token_validity_jitter":0.25})") {}
};

TEST_F(JitterTest, ShortensFreshTokensByAtMostTheConfiguredPart) {
  int64_t least = INT64_MAX, most = 0;
  for (int i = 0; i < 40; ++i) {
    const int64_t life = Create().access_token().expiry_ms() - clock.NowMs();
    least = std::min(least, life);
    most = std::max(most, life);
  }
  EXPECT_GE(least, 2'699'000);
  EXPECT_LE(most, 3'600'000);
  EXPECT_LT(least, most);
}

}  // namespace
}  // namespace gatehouse::session
