#include <gtest/gtest.h>

#include "services/session/session_test_env.h"

namespace gatehouse::session {
namespace {

constexpr bool kEager = true;
constexpr bool kLazy = false;

using VerifyTest = SessionServiceTest;
using RegenerateTest = SessionServiceTest;

TEST_F(VerifyTest, StatelessVerificationNeedsNoStatement) {
  const auto issued = Create();
  const int64_t statements = database->statements_executed();
  const auto response = Verify(issued.access_token().token(), false, true);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->verified().session().handle(), issued.session().handle());
  EXPECT_FALSE(response->verified().has_payload_update_available());
  EXPECT_EQ(database->statements_executed(), statements);
  EXPECT_EQ(jwks.calls, 1);
}

TEST_F(VerifyTest, StatelessVerificationChecksLineage) {
  const auto first = Create();
  const auto second = Refresh(first, kEager).issued();
  auto response = *Verify(first.access_token().token(), true, true);
  EXPECT_TRUE(response.has_verified());
  EXPECT_FALSE(response.verified().payload_update_available());
  Refresh(second, kEager);
  response = *Verify(first.access_token().token(), true, true);
  EXPECT_EQ(response.unauthorised_message(), "rotated-out token branch; refresh required");
  EXPECT_TRUE(Verify(first.access_token().token(), false, true)->has_verified());

  v1::UpdateSessionRequest update;
  *update.mutable_scope() = scope;
  update.set_handle(first.session().handle());
  update.set_user_data_in_jwt_json(R"({"role":"y"})");
  auto context = Context();
  ASSERT_TRUE(service.UpdateSession(context, update)->found());
  response = *Verify(second.access_token().token(), true, true);
  EXPECT_TRUE(response.verified().payload_update_available());
  EXPECT_FALSE(response.verified().has_access_token());
}

TEST_F(VerifyTest, EndedSessionIsUnauthorisedOnlyWhenTheDatabaseIsAsked) {
  const auto issued = Create();
  v1::RevokeSessionsRequest revoke;
  *revoke.mutable_scope() = scope;
  revoke.add_handles(issued.session().handle());
  auto context = Context();
  ASSERT_TRUE(service.RevokeSessions(context, revoke).ok());
  EXPECT_TRUE(Verify(issued.access_token().token(), false, true)->has_verified());
  for (const bool stateless : {true, false}) {
    EXPECT_EQ(Verify(issued.access_token().token(), true, stateless)->unauthorised_message(),
              "Either the session has ended or has been blacklisted");
  }
}

TEST_F(VerifyTest, BadTokensAreToBeRefreshedOrBadInput) {
  const auto issued = Create();
  std::string tampered = issued.access_token().token();
  tampered[tampered.size() - 10] = tampered[tampered.size() - 10] == 'A' ? 'B' : 'A';
  EXPECT_EQ(Verify(tampered, false, true)->try_refresh_token_message(), "JWT verification failed");
  EXPECT_EQ(Verify("", false, true)->try_refresh_token_message(), "Invalid JWT");
  EXPECT_EQ(ReasonOf(Verify("a.b.c", false, true).status()), ErrorReason::kBadInput);
  // Its signature is not base64.
  EXPECT_EQ(ReasonOf(Verify(issued.access_token().token() + "=", false, true).status()),
            ErrorReason::kBadInput);
  EXPECT_EQ(ReasonOf(Verify(issued.refresh_token().token(), false, true).status()),
            ErrorReason::kBadInput);
  clock.SetMs(issued.access_token().expiry_ms() + 1);
  EXPECT_EQ(Verify(issued.access_token().token(), false, true)->try_refresh_token_message(),
            "Access token expired");
}

TEST_F(VerifyTest, UnknownKeyIsAskedForOnceASecond) {
  const auto issued = Create();
  jwks.AddDynamic("d-1700000000005");
  const AccessToken content = Read(issued.access_token());
  const auto pair = *crypto::RsaKeyPair::FromStored(crypto::core_vectors::kKeyPair);
  const std::string by_new = SignAccessToken(content, "d-1700000000005", *pair)->token;
  const std::string by_unknown = SignAccessToken(content, "d-1", *pair)->token;
  EXPECT_TRUE(Verify(by_new, false, true)->has_verified());
  EXPECT_EQ(jwks.refreshes, 1);
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(Verify(by_unknown, false, true)->has_try_refresh_token_message());
  }
  EXPECT_EQ(jwks.refreshes, 1);
  clock.AdvanceMs(1000);
  EXPECT_TRUE(Verify(by_unknown, false, true)->has_try_refresh_token_message());
  EXPECT_EQ(jwks.refreshes, 2);
}

TEST_F(VerifyTest, KnownKeysDoWhileTheJwksServiceIsDown) {
  jwks.keys.set_refresh_at_ms(clock.NowMs() + 1000);
  const auto issued = Create();
  jwks.down = true;
  clock.AdvanceMs(2000);
  const int calls = jwks.calls;
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(Verify(issued.access_token().token(), false, true)->has_verified());
  }
  EXPECT_EQ(jwks.calls - calls, 1);
}

TEST_F(VerifyTest, DynamicKeysDoWhileNoStaticOneCanBeFetched) {
  const auto issued = Create();
  jwks.down = true;
  EXPECT_TRUE(Verify(issued.access_token().token(), false, true)->has_verified());

  // Which key signs an eager rotation is known only after it: too late to fail.
  auto refresh = RefreshRequest(issued.refresh_token().token(), kEager);
  auto context = Context();
  EXPECT_EQ(ReasonOf(service.RefreshSession(context, refresh).status()),
            ErrorReason::kDependencyDown);
  EXPECT_EQ(Row(issued.session().handle())->refresh_hash2, Hash2(issued.refresh_token()));
  refresh.set_use_static_key(false);
  EXPECT_TRUE(Refresh(refresh).has_issued());

  auto request = NewRequest();
  request.set_use_static_key(true);
  EXPECT_EQ(ReasonOf(service.CreateSession(context, request).status()),
            ErrorReason::kDependencyDown);
  jwks.down = false;
  clock.AdvanceMs(1000);
  const auto with_static = Create(request);
  EXPECT_TRUE(Verify(with_static.access_token().token(), false, true)->has_verified());
}

TEST_F(RegenerateTest, StoresNewClaimsAndKeepsTheTokensLineageAndExpiry) {
  const auto first = Create();
  const auto second = Refresh(first, kLazy).issued();
  clock.AdvanceMs(5000);
  v1::RegenerateSessionRequest request;
  *request.mutable_scope() = scope;
  request.set_access_token(second.access_token().token());
  request.set_user_data_in_jwt_json(R"({"role":"z"})");
  request.set_check_protected_claims(true);
  auto context = Context();
  const int64_t statements = database->statements_executed();
  const auto response = service.RegenerateSession(context, request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(database->statements_executed() - statements, 1);
  const AccessToken token = Read(response->regenerated().access_token());
  EXPECT_EQ(json::Serialize(token.user_data), R"({"role":"z"})");
  EXPECT_EQ(token.expiry_ms, Read(second.access_token()).expiry_ms);
  EXPECT_EQ(token.parent_refresh_token_hash1, Hash1(first.refresh_token().token()));
  EXPECT_EQ(Row(first.session().handle())->jwt_payload, R"({"role":"z"})");

  request.set_user_data_in_jwt_json(R"({"sub":"z"})");
  EXPECT_EQ(ReasonOf(service.RegenerateSession(context, request).status()), ErrorReason::kBadInput);
  request.clear_user_data_in_jwt_json();
  EXPECT_EQ(json::Serialize(
                Read(service.RegenerateSession(context, request)->regenerated().access_token())
                    .user_data),
            R"({"role":"z"})");

  clock.SetMs(token.expiry_ms + 1);
  EXPECT_FALSE(service.RegenerateSession(context, request)->regenerated().has_access_token());
  request.set_access_token("garbage");
  EXPECT_EQ(ReasonOf(service.RegenerateSession(context, request).status()), ErrorReason::kBadInput);
}

TEST_F(RegenerateTest, ALegacyTokensOwnMembersAreProtectedThoughUserDataIsNestedThere) {
  const auto issued = Create(NewRequest("user", v1::ACCESS_TOKEN_VERSION_V2));
  v1::RegenerateSessionRequest request;
  *request.mutable_scope() = scope;
  request.set_access_token(issued.access_token().token());
  request.set_user_data_in_jwt_json(R"({"sessionHandle":"z"})");
  request.set_check_protected_claims(true);
  auto context = Context();
  EXPECT_EQ(ReasonOf(service.RegenerateSession(context, request).status()), ErrorReason::kBadInput);
  request.set_check_protected_claims(false);  // before CDI 2.21
  EXPECT_TRUE(service.RegenerateSession(context, request)->has_regenerated());
}

TEST_F(RegenerateTest, MissingSessionComesBeforeProtectedClaims) {
  const auto issued = Create();
  v1::RevokeSessionsRequest revoke;
  *revoke.mutable_scope() = scope;
  revoke.add_handles(issued.session().handle());
  auto context = Context();
  ASSERT_TRUE(service.RevokeSessions(context, revoke).ok());
  v1::RegenerateSessionRequest request;
  *request.mutable_scope() = scope;
  request.set_access_token(issued.access_token().token());
  request.set_user_data_in_jwt_json(R"({"sub":"z"})");
  EXPECT_EQ(service.RegenerateSession(context, request)->unauthorised_message(),
            "Session does not exist.");
}

}  // namespace
}  // namespace gatehouse::session
