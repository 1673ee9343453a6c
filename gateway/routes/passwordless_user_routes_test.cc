// Whom GET /recipe/user finds for rid `passwordless`; the registry is a fake.

#include "gateway/routes/passwordless_user_routes.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "gatehouse/users/v1/user_directory_service.rpc.h"
#include "gateway/routes/route_test_util.h"
#include "libs/testing/fake_channel.h"

namespace gatehouse::gateway {
namespace {

using users::v1::FindUsersRequest;
using users::v1::FindUsersResponse;
using users::v1::GetUserRequest;
using users::v1::GetUserResponse;

constexpr const char* kOneOf =
    "BAD_INPUT: Please provide exactly one of userId, email or phoneNumber";

users::v1::User MakeUser(const std::string& recipe_id, const std::string& email,
                         const std::string& phone) {
  users::v1::User user;
  user.set_id("u-1");
  user.set_time_joined_ms(7);
  auto& method = *user.add_login_methods();
  method.set_recipe_id(recipe_id);
  method.set_recipe_user_id("u-1");
  method.set_time_joined_ms(7);
  if (!email.empty()) method.set_email(email);
  if (!phone.empty()) method.set_phone_number(phone);
  return user;
}

class PasswordlessUserRoutesTest : public ::testing::Test {
 protected:
  PasswordlessUserRoutesTest() {
    RecipeUserHandlers recipe_user;
    AddPasswordlessUserRoutes(service, recipe_user);
    AddRecipeUserRoutes(routes, std::move(recipe_user));
  }

  std::string GetUser(std::vector<std::pair<std::string, std::string>> query) {
    return Send(routes, {2, 21},
                {.path = "/recipe/user", .query = std::move(query), .rid = "passwordless"});
  }
  void AnswerFound(const users::v1::User& user) {
    FindUsersResponse response;
    *response.add_users() = user;
    service.Answer(response);
  }

  testing::FakeChannel service;
  RouteTable routes;
};

TEST_F(PasswordlessUserRoutesTest, WantsExactlyOneOfThree) {
  EXPECT_EQ(GetUser({}), kOneOf);
  EXPECT_EQ(GetUser({{"userId", "u"}, {"email", "a@x.io"}}), kOneOf);
  EXPECT_EQ(GetUser({{"phoneNumber", "+1"}, {"email", "a@x.io"}}), kOneOf);
  EXPECT_EQ(service.calls(), 0);
}

TEST_F(PasswordlessUserRoutesTest, FindsByNormalisedContact) {
  AnswerFound(MakeUser("passwordless", "a@x.io", ""));
  EXPECT_EQ(GetUser({{"email", " A@x.IO "}}),
            R"({"status":"OK","user":{"id":"u-1","timeJoined":7,"email":"a@x.io"}})");
  EXPECT_EQ(service.last_request<FindUsersRequest>().email(), "a@x.io");
  AnswerFound(MakeUser("passwordless", "", "+14155550001"));
  EXPECT_EQ(GetUser({{"phoneNumber", "+1 (415) 555-0001"}}),
            R"({"status":"OK","user":{"id":"u-1","timeJoined":7,"phoneNumber":"+14155550001"}})");
}

TEST_F(PasswordlessUserRoutesTest, AnotherRecipesUserIsNotFound) {
  AnswerFound(MakeUser("emailpassword", "a@x.io", ""));
  EXPECT_EQ(GetUser({{"email", "a@x.io"}}), R"({"status":"UNKNOWN_EMAIL_ERROR"})");
  AnswerFound(MakeUser("passwordless", "a@x.io", ""));
  EXPECT_EQ(GetUser({{"phoneNumber", "+14155550001"}}),
            R"({"status":"UNKNOWN_PHONE_NUMBER_ERROR"})");
}

TEST_F(PasswordlessUserRoutesTest, ById) {
  service.Answer(GetUserResponse());
  EXPECT_EQ(GetUser({{"userId", "u"}}), R"({"status":"UNKNOWN_USER_ID_ERROR"})");
  EXPECT_EQ(service.last_request<GetUserRequest>().recipe_id(), "passwordless");
}

}  // namespace
}  // namespace gatehouse::gateway
