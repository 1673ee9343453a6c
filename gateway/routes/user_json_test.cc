#include "gateway/routes/user_json.h"

#include <gtest/gtest.h>

#include "libs/base/json.h"

namespace gatehouse::gateway {
namespace {

users::v1::User LinkedUser() {
  users::v1::User user;
  user.set_id("p");
  user.set_is_primary_user(true);
  user.add_tenant_ids("public");
  user.set_time_joined_ms(1);
  auto& first = *user.add_login_methods();
  first.set_recipe_user_id("p");
  first.set_recipe_id("emailpassword");
  first.set_email("a@x.io");
  first.set_time_joined_ms(1);
  first.add_tenant_ids("public");
  auto& second = *user.add_login_methods();
  second.set_recipe_user_id("r");
  second.set_recipe_id("thirdparty");
  second.set_email("a@x.io");
  second.set_verified(true);
  second.mutable_third_party()->set_id("google");
  second.mutable_third_party()->set_user_id("1");
  second.set_time_joined_ms(2);
  second.add_tenant_ids("public");
  return user;
}

std::string Text(const users::v1::User& user, const CdiVersion& cdi) {
  std::string out;
  AppendUser(user, cdi, out);
  return out;
}
json::Value UserJson(const users::v1::User& user, const CdiVersion& cdi) {
  return *json::Parse(Text(user, cdi));
}

TEST(UserJsonTest, BeforeAccountLinkingItIsTheFirstLoginMethod) {
  EXPECT_EQ(Text(LinkedUser(), cdi::k2_21),
            R"({"id":"p","timeJoined":1,"email":"a@x.io"})");
  EXPECT_EQ(Text(LinkedUser(), cdi::k3_1),
            R"({"id":"p","timeJoined":1,"tenantIds":["public"],"email":"a@x.io"})");
  users::v1::User led_by_the_younger = LinkedUser();
  led_by_the_younger.set_id("r");
  EXPECT_EQ(Text(led_by_the_younger, cdi::k2_21),
            R"({"id":"p","timeJoined":1,"email":"a@x.io"})");
}

TEST(UserJsonTest, FromFourItHasItsLoginMethods) {
  EXPECT_EQ(
      Text(LinkedUser(), cdi::k4_0),
      R"({"id":"p","isPrimaryUser":true,"tenantIds":["public"],"timeJoined":1,"emails":["a@x.io"],)"
      R"("phoneNumbers":[],"thirdParty":[{"id":"google","userId":"1"}],"loginMethods":[)"
      R"({"tenantIds":["public"],"recipeUserId":"p","verified":false,"timeJoined":1,)"
      R"("recipeId":"emailpassword","email":"a@x.io"},)"
      R"({"tenantIds":["public"],"recipeUserId":"r","verified":true,"timeJoined":2,)"
      R"("recipeId":"thirdparty","email":"a@x.io","thirdParty":{"id":"google","userId":"1"}}]})");
  const json::Value newer = UserJson(LinkedUser(), cdi::k5_3);
  ASSERT_NE(newer.Find("webauthn"), nullptr);
  EXPECT_EQ(json::Serialize(*newer.Find("webauthn")), R"({"credentialIds":[]})");
}

TEST(UserJsonTest, WhatLoginMethodsShareIsListedOnce) {
  users::v1::User user = LinkedUser();
  *user.add_login_methods() = user.login_methods(1);  // the same identity in another tenant
  const json::Value value = UserJson(user, cdi::k5_3);
  EXPECT_EQ(json::Serialize(*value.Find("thirdParty")), R"([{"id":"google","userId":"1"}])");
  EXPECT_EQ(json::Serialize(*value.Find("emails")), R"(["a@x.io"])");
  EXPECT_EQ(value.Find("loginMethods")->size(), 3u);
}

TEST(UserJsonTest, Before5_3WhatWebauthnMethodsAddIsNotListed) {
  users::v1::User user = LinkedUser();
  auto& method = *user.add_login_methods();
  method.set_recipe_id("webauthn");
  method.set_email("w@x.io");
  method.add_webauthn_credential_ids("c");
  EXPECT_EQ(json::Serialize(*UserJson(user, cdi::k5_2).Find("emails")), R"(["a@x.io"])");
  EXPECT_EQ(UserJson(user, cdi::k5_2).Find("loginMethods")->size(), 3u);
  EXPECT_EQ(json::Serialize(*UserJson(user, cdi::k5_3).Find("emails")), R"(["a@x.io","w@x.io"])");
}

TEST(UserJsonTest, SetsAreInTheOrderThatClientsKnow) {
  users::v1::User user = LinkedUser();
  user.mutable_login_methods(0)->set_email("test2@example.com");
  user.mutable_login_methods(1)->set_email("test3@example.com");
  auto& third = *user.add_login_methods();
  third.set_recipe_id("thirdparty");
  third.mutable_third_party()->set_id("github");
  third.mutable_third_party()->set_user_id("2");
  user.clear_tenant_ids();
  for (const char* tenant : {"t1", "public", "t2"}) {
    user.add_tenant_ids(tenant);
    third.add_tenant_ids(tenant);
  }
  const json::Value value = UserJson(user, cdi::k4_0);
  EXPECT_EQ(json::Serialize(*value.Find("emails")), R"(["test3@example.com","test2@example.com"])");
  EXPECT_EQ(json::Serialize(*value.Find("tenantIds")), R"(["public","t1","t2"])");
  EXPECT_EQ(json::Serialize(*value.Find("thirdParty")),
            R"([{"id":"github","userId":"2"},{"id":"google","userId":"1"}])");
  EXPECT_NE(json::Serialize(value).find(R"({"tenantIds":["public","t1","t2"],"recipeUserId")"),
            std::string::npos);
}

TEST(UserJsonTest, TheRecipeUserIsNamedFromFour) {
  const auto named = [](const CdiVersion& cdi) {
    return json::Parse(UserReply(LinkedUser(), "r", cdi).body)->Find("recipeUserId") != nullptr;
  };
  EXPECT_FALSE(named(cdi::k3_1));
  EXPECT_TRUE(named(cdi::k4_0));
}

}  // namespace
}  // namespace gatehouse::gateway
