#include <gtest/gtest.h>

#include "services/oauth/authorization_request.h"
#include "services/oauth/cookies.h"

namespace gatehouse::oauth {
namespace {

v1::Client Client() {
  v1::Client client;
  client.add_redirect_uris("https://app.example.com/cb?x=1");
  client.add_redirect_uris("http://127.0.0.1/cb");
  client.add_response_types("code");
  client.add_response_types("token id_token");
  client.add_grant_types("authorization_code");
  client.add_grant_types("implicit");
  client.set_scope("openid");
  return client;
}

Parameters Request() {
  return {{"redirect_uri", "https://app.example.com/cb?x=1"},
          {"response_type", "code"},
          {"scope", "openid"},
          {"state", "state-of-the-client"}};
}

// The error's name, and whether it goes to the client.
std::string Refusal(Parameters parameters, const std::string& name, const std::string& value) {
  parameters[name] = value;
  ParsedRequest request;
  const auto refused =
      ParseAuthorizationRequest(parameters, Client(), config::PkceRequiredFor::kNone, request);
  if (!refused.has_value()) return "";
  return refused->error() + (request.redirect_uri.empty() ? "" : " to client");
}

TEST(AuthorizationRequestTest, OnlyRegisteredAddressesAreUsed) {
  EXPECT_EQ(Refusal(Request(), "redirect_uri", "http://127.0.0.1:51234/cb"), "");
  for (const char* address :
       {"", "https://app.example.com/cb", "https://app.example.com/cb?x=1&y=2",
        "http://127.0.0.1:51234/cb2", "http://user@127.0.0.1:51234/cb", "http://localhost:1/cb",
        "http://127.0.0.1:51234/cb?a", "https://evil.example.com/"}) {
    EXPECT_EQ(Refusal(Request(), "redirect_uri", address), "invalid_request") << address;
  }
}

TEST(AuthorizationRequestTest, OtherErrorsGoToTheClient) {
  EXPECT_EQ(Refusal(Request(), "scope", "openid nope"), "invalid_scope to client");
  EXPECT_EQ(Refusal(Request(), "audience", "nope"), "invalid_request to client");
  EXPECT_EQ(Refusal(Request(), "state", "1234567"), "invalid_state to client");
  EXPECT_EQ(Refusal(Request(), "response_type", "code token"),
            "unsupported_response_type to client");
  EXPECT_EQ(Refusal(Request(), "response_type", "id_token token"), "");
  EXPECT_EQ(Refusal(Request(), "response_mode", "jwt"), "unsupported_response_mode");
}

TEST(AuthorizationRequestTest, PkceIsS256) {
  Parameters parameters = Request();
  ParsedRequest request;
  ASSERT_FALSE(
      ParseAuthorizationRequest(parameters, Client(), config::PkceRequiredFor::kNone, request)
          .has_value());
  const auto check = [&] {
    return CheckGrantedRequest(parameters, Client(), request, {"openid"}).has_value();
  };
  EXPECT_FALSE(check());
  parameters["code_challenge"] = "c";
  EXPECT_TRUE(check());
  parameters["code_challenge_method"] = "plain";
  EXPECT_TRUE(check());
  parameters["code_challenge_method"] = "S256";
  EXPECT_FALSE(check());
}

TEST(AuthorizationRequestTest, AChallengeCanBeRequired) {
  using config::PkceRequiredFor;
  v1::Client confidential = Client();
  v1::Client anyone = Client();
  anyone.set_token_endpoint_auth_method("none");
  const auto refusal = [](const v1::Client& client, PkceRequiredFor pkce, Parameters parameters) {
    ParsedRequest request;
    const auto refused = ParseAuthorizationRequest(parameters, client, pkce, request);
    return refused.has_value() ? refused->error() : "";
  };
  EXPECT_EQ(refusal(anyone, PkceRequiredFor::kNone, Request()), "");
  EXPECT_EQ(refusal(anyone, PkceRequiredFor::kPublicClients, Request()), "invalid_request");
  EXPECT_EQ(refusal(confidential, PkceRequiredFor::kPublicClients, Request()), "");
  EXPECT_EQ(refusal(confidential, PkceRequiredFor::kAllClients, Request()), "invalid_request");
  Parameters with_challenge = Request();
  with_challenge["code_challenge"] = "c";
  EXPECT_EQ(refusal(anyone, PkceRequiredFor::kAllClients, with_challenge), "");
  // There is no code that could be stolen.
  Parameters without_code = Request();
  without_code["response_type"] = "id_token token";
  EXPECT_EQ(refusal(anyone, PkceRequiredFor::kAllClients, without_code), "");
}

TEST(AuthorizationRequestTest, AnswersNameTheIssuer) {
  ParsedRequest request;
  request.redirect_uri = "https://app.example.com/cb";
  request.issuer = "https://api.example.com/auth";
  request.state = "state";
  EXPECT_EQ(AnswerTo(request, {{"code", "c"}}),
            "https://app.example.com/cb?code=c&iss=https%3A%2F%2Fapi.example.com%2Fauth&");
  request.by_fragment = true;
  v1::OAuthError error;
  error.set_error("access_denied");
  EXPECT_EQ(ErrorTo(request, error),
            "https://app.example.com/cb#error=access_denied&error_description="
            "&iss=https%3A%2F%2Fapi.example.com%2Fauth&state=state");
}

TEST(AuthorizationRequestTest, AnswersKeepTheAddressesQuery) {
  ParsedRequest request;
  request.redirect_uri = "https://app.example.com/cb?x=1&a%20b=c%26d";
  EXPECT_EQ(AnswerTo(request, {{"code", "c d&e"}}),
            "https://app.example.com/cb?a+b=c%26d&code=c+d%26e&x=1&");
  request.by_fragment = true;
  request.redirect_uri = "https://app.example.com/cb";
  EXPECT_EQ(AnswerTo(request, {{"state", "\u00FC#"}}),
            "https://app.example.com/cb#state=%C3%BC%23");
}

TEST(PromptTest, KnownWordsThatGoTogether) {
  EXPECT_FALSE(CheckPrompt({"login", "consent"}).has_value());
  EXPECT_FALSE(CheckPrompt({"none"}).has_value());
  EXPECT_TRUE(CheckPrompt({"none", "login"}).has_value());
  EXPECT_TRUE(CheckPrompt({"NONE"}).has_value());
}

TEST(CookiesTest, AreFoundByTheirWholeName) {
  EXPECT_EQ(FindCookie("a=1; bb=2;b=3", "b"), "3");
  EXPECT_EQ(FindCookie("a=x=y", "a"), "x=y");
  for (const char* cookies : {"", "b", "bb=1", "; ;", "x=b=1"}) {
    EXPECT_EQ(FindCookie(cookies, "b"), std::nullopt) << cookies;
  }
}

TEST(CookiesTest, Lines) {
  EXPECT_EQ(FormatCookie({.name = "n", .value = "v", .max_age_s = 60, .secure = true}, 0),
            "n=v; Path=/; Expires=Thu, 01 Jan 1970 00:01:00 GMT; Max-Age=60; HttpOnly; Secure; "
            "SameSite=Lax");
  EXPECT_EQ(FormatCookie({.name = "n", .value = "v", .max_age_s = std::nullopt}, 0),
            "n=v; Path=/; HttpOnly; SameSite=Lax");
  EXPECT_NE(LoginCsrfCookieName("a", true), LoginCsrfCookieName("b", true));
}

}  // namespace
}  // namespace gatehouse::oauth
