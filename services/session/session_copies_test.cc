// JWTs that an application had made with a session's claims, by the keys that sessions are signed
// with: copies of a session, and forgeries.

#include <string>

#include "libs/crypto/jwt.h"
#include "libs/crypto/jwt_claims.h"
#include "services/session/session_test_env.h"

namespace gatehouse::session {
namespace {

class SessionCopiesTest : public SessionServiceTest {
 protected:
  SessionCopiesTest() {
    registry.Add("internal", "external", "primary", "primary-external");
    issued = Create(NewRequest("external"));
  }

  // What the session's access token says, with `changes`, in a JWT whose header says no version.
  std::string Copy(const json::Value& changes = json::Value::Object()) {
    const auto parts = crypto::SplitJwt(issued.access_token().token());
    const auto claims = json::Parse(*crypto::DecodeJwtPart(parts->payload));
    const auto pair = crypto::RsaKeyPair::FromStored(crypto::core_vectors::kKeyPair);
    return *crypto::EncodeJwt(crypto::JwtHeader("d-1700000000000", std::nullopt),
                              json::Serialize(crypto::MergeClaims(*claims, changes)), **pair);
  }
  bool Matches(const std::string& handle, const std::string& user, const std::string& recipe_user,
               const std::string& tenant = "public") {
    v1::MatchSessionRequest request;
    *request.mutable_scope() = scope;
    request.set_handle(handle);
    request.set_user_id(user);
    request.set_recipe_user_id(recipe_user);
    request.set_tenant_id(tenant);
    auto context = Context();
    const auto response = service.MatchSession(context, request);
    EXPECT_TRUE(response.ok()) << response.status();
    return response.ok() && response->matches();
  }
  void Revoke() {
    v1::RevokeSessionsRequest revoke;
    *revoke.mutable_scope() = scope;
    revoke.add_handles(issued.session().handle());
    auto context = Context();
    ASSERT_TRUE(service.RevokeSessions(context, revoke).ok());
  }
  absl::StatusOr<v1::RegenerateSessionResponse> Regenerate(const std::string& token) {
    v1::RegenerateSessionRequest request;
    *request.mutable_scope() = scope;
    request.set_access_token(token);
    request.set_user_data_in_jwt_json(R"({"role":"admin"})");
    auto context = Context();
    return service.RegenerateSession(context, request);
  }

  v1::IssuedSession issued;
};

TEST_F(SessionCopiesTest, ACopyIsTheSessionWhileItLives) {
  const std::string copy = Copy();
  for (const bool database : {false, true}) {
    for (const bool stateless : {false, true}) {
      const auto verified = Verify(copy, database, stateless);
      ASSERT_TRUE(verified.ok()) << verified.status();
      EXPECT_EQ(verified->verified().session().user_id(), "primary-external");
    }
  }
  EXPECT_TRUE(Regenerate(copy)->has_regenerated());
  Revoke();
  EXPECT_EQ(Verify(copy, false, true)->unauthorised_message(), "Session missing in db");
  EXPECT_EQ(Verify(copy, true, true)->unauthorised_message(),
            "Either the session has ended or has been blacklisted");
}

TEST_F(SessionCopiesTest, AnotherUsersClaimsAreNot) {
  for (const auto& changes : {json::Value::Object({{"sub", "victim"}}),
                              json::Value::Object({{"rsub", "victim"}}),
                              json::Value::Object({{"sub", "victim"}, {"rsub", "victim"}})}) {
    const std::string forged = Copy(changes);
    for (const bool database : {false, true}) {
      for (const bool stateless : {false, true}) {
        EXPECT_EQ(Verify(forged, database, stateless)->try_refresh_token_message(),
                  "JWT verification failed");
      }
    }
    EXPECT_EQ(Regenerate(forged)->unauthorised_message(), "Session does not exist.");
  }
  EXPECT_EQ(Row(issued.session().handle())->jwt_payload, R"({"role":"x"})");
}

TEST_F(SessionCopiesTest, MatchesWhatLivesAndItsUser) {
  const std::string handle = issued.session().handle();
  EXPECT_TRUE(Matches(handle, "primary-external", "external"));
  EXPECT_FALSE(Matches(handle, "victim", "external"));
  EXPECT_FALSE(Matches(handle, "primary-external", "victim"));
  EXPECT_FALSE(Matches(handle, "primary-external", "external", "t1"));
  EXPECT_FALSE(Matches("h", "primary-external", "external"));
  EXPECT_FALSE(Matches("h_t1", "primary-external", "external", "t1"));  // no such tenant
  EXPECT_FALSE(Matches("_", "primary-external", "external"));
  Revoke();
  EXPECT_FALSE(Matches(handle, "primary-external", "external"));
}

}  // namespace
}  // namespace gatehouse::session
