// What the routes read at each version, in which order they report errors, and what they answer;
// the service is a fake.

#include "gateway/routes/thirdparty_routes.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "gatehouse/thirdparty/v1/thirdparty_service.rpc.h"
#include "gateway/routes/route_test_util.h"
#include "libs/testing/fake_channel.h"

namespace gatehouse::gateway {
namespace {

using thirdparty::v1::SignInOrUpRequest;

constexpr CdiVersion kBefore2_9{2, 8};

class ThirdPartyRoutesTest : public ::testing::Test {
 protected:
  ThirdPartyRoutesTest() {
    RecipeUserHandlers recipe_user;
    AddThirdPartyRoutes(routes, service, recipe_user);
    AddRecipeUserRoutes(routes, std::move(recipe_user));
  }

  std::string SignInOrUp(const CdiVersion& cdi, const std::string& email,
                         const std::string& path = "/recipe/signinup") {
    return Send(
        routes, cdi,
        {.method = HttpMethod::kPost,
         .path = path,
         .body = R"({"thirdPartyId":"google","thirdPartyUserId":"g-1","email":)" + email + "}"});
  }
  std::string GetUser(std::vector<std::pair<std::string, std::string>> query,
                      const std::string& path = "/recipe/user") {
    return Send(routes, cdi::k5_4, {.path = path, .query = std::move(query), .rid = "thirdparty"});
  }
  void AnswerSignedIn() {
    thirdparty::v1::SignInOrUpResponse response;
    auto& signed_in = *response.mutable_signed_in();
    signed_in.set_created(true);
    signed_in.set_recipe_user_id("r-1");
    auto& user = *signed_in.mutable_user();
    user.set_id("u-1");
    auto& method = *user.add_login_methods();
    method.set_recipe_id("thirdparty");
    method.set_email("a@x.io");
    method.add_tenant_ids("public");
    service.Answer(response);
  }

  testing::FakeChannel service;
  RouteTable routes;
};

TEST_F(ThirdPartyRoutesTest, VerificationIsReadAtTheOldestVersionAndFrom4_0) {
  AnswerSignedIn();
  const std::string missing = "BAD_INPUT: Field name 'isVerified' is invalid in JSON input";
  EXPECT_EQ(SignInOrUp(cdi::k2_7, R"({"id":"a@x.io"})"), missing);
  EXPECT_EQ(SignInOrUp(cdi::k4_0, R"({"id":"a@x.io"})"), missing);
  EXPECT_EQ(service.calls(), 0);
  const std::string verified = R"({"id":"a@x.io","isVerified":true})";
  for (const auto& [cdi, is_read] : {std::pair{cdi::k2_7, true},
                                     {kBefore2_9, false},
                                     {cdi::k3_1, false},
                                     {cdi::k4_0, true},
                                     {cdi::k5_4, true}}) {
    SignInOrUp(cdi, verified);
    EXPECT_EQ(service.last_request<SignInOrUpRequest>().is_email_verified(), is_read)
        << cdi.ToString();
  }
}

TEST_F(ThirdPartyRoutesTest, GateFollowsTheVersion) {
  AnswerSignedIn();
  const std::string email = R"({"id":"a@x.io","isVerified":true})";
  for (const auto& [cdi, gate] : {std::pair{cdi::k2_7, common::v1::RECIPE_GATE_UNSPECIFIED},
                                  {kBefore2_9, common::v1::RECIPE_GATE_UP_TO_FOUR},
                                  {cdi::k4_0, common::v1::RECIPE_GATE_UP_TO_FOUR},
                                  {cdi::k5_0, common::v1::RECIPE_GATE_FIVE_ZERO},
                                  {cdi::k5_1, common::v1::RECIPE_GATE_UNSPECIFIED}}) {
    SignInOrUp(cdi, email);
    EXPECT_EQ(service.last_request<SignInOrUpRequest>().gate(), gate) << cdi.ToString();
  }
}

TEST_F(ThirdPartyRoutesTest, ReplyNamesTheLoginMethodFrom4_0) {
  AnswerSignedIn();
  const std::string email = R"({"id":"a@x.io","isVerified":true})";
  EXPECT_EQ(SignInOrUp(cdi::k2_7, email).find("recipeUserId"), std::string::npos);
  EXPECT_EQ(SignInOrUp(cdi::k2_7, email).find("tenantIds"), std::string::npos);
  EXPECT_NE(SignInOrUp(cdi::k3_0, email).find(R"("tenantIds":["public"])"), std::string::npos);
  EXPECT_NE(SignInOrUp(cdi::k4_0, email).find(R"("recipeUserId":"r-1")"), std::string::npos);
}

TEST_F(ThirdPartyRoutesTest, InputIsCheckedInOrder) {
  EXPECT_EQ(SignInOrUp(cdi::k5_4, "null"),
            "BAD_INPUT: Field name 'email' is invalid in JSON input");
  EXPECT_EQ(SignInOrUp(cdi::k5_4, "[]"), "BAD_INPUT: Field name 'email' is invalid in JSON input");
  EXPECT_EQ(SignInOrUp(cdi::k5_4, "{}"), "BAD_INPUT: Field name 'id' is invalid in JSON input");
  EXPECT_EQ(service.calls(), 0);
}

TEST_F(ThirdPartyRoutesTest, RefusedEmailChangeIsAStatusThatTheOldestVersionLacks) {
  thirdparty::v1::SignInOrUpResponse response;
  response.set_email_change_not_allowed_reason("Taken.");
  service.Answer(response);
  const std::string email = R"({"id":"a@x.io","isVerified":true})";
  EXPECT_EQ(SignInOrUp(cdi::k5_4, email),
            R"({"status":"EMAIL_CHANGE_NOT_ALLOWED_ERROR","reason":"Taken."})");
  EXPECT_EQ(SignInOrUp(cdi::k2_7, email), "BAD_INPUT: Taken.");
}

TEST_F(ThirdPartyRoutesTest, UserIsFoundByIdOrByIdentity) {
  const std::string one_of =
      "BAD_INPUT: Please provide one of userId or (thirdPartyId & thirdPartyUserId)";
  EXPECT_EQ(GetUser({}), one_of);
  EXPECT_EQ(GetUser({{"thirdPartyId", "google"}}), one_of);
  EXPECT_EQ(GetUser({{"userId", "u"}, {"thirdPartyId", "google"}}),
            "BAD_INPUT: Please provide only one of userId or (thirdPartyId & thirdPartyUserId)");
  EXPECT_EQ(service.calls(), 0);
  EXPECT_EQ(GetUser({{"userId", "u"}}), R"({"status":"UNKNOWN_USER_ID_ERROR"})");
  EXPECT_EQ(service.last_method(), "GetUserById");
  EXPECT_EQ(GetUser({{"thirdPartyId", "google"}, {"thirdPartyUserId", "g-1"}}, "/t1/recipe/user"),
            R"({"status":"UNKNOWN_THIRD_PARTY_USER_ERROR"})");
  EXPECT_EQ(service.last_request<thirdparty::v1::GetUserByIdentityRequest>().scope().tenant_id(),
            "t1");
}

TEST_F(ThirdPartyRoutesTest, UnknownAppIsToldBeforeATenantThatMayNotAsk) {
  EXPECT_EQ(GetUser({{"userId", "u"}}, "/t1/recipe/user"),
            "FORBIDDEN: Only public tenantId can call this app specific API");
  service.Fail(MakeError(ErrorReason::kTenantNotFound, "no such app"));
  EXPECT_EQ(GetUser({{"userId", "u"}}, "/t1/recipe/user"), "TENANT_NOT_FOUND: no such app");
}

TEST_F(ThirdPartyRoutesTest, ListsUsersByEmail) {
  EXPECT_EQ(Send(routes, cdi::k5_4, {.path = "/recipe/users/by-email"}),
            "BAD_INPUT: Field name 'email' is missing in GET request");
  EXPECT_EQ(
      Send(routes, cdi::k5_4, {.path = "/recipe/users/by-email", .query = {{"email", "a@x.io"}}}),
      R"({"status":"OK","users":[]})");
}

}  // namespace
}  // namespace gatehouse::gateway
