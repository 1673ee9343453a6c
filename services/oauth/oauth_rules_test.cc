#include <gtest/gtest.h>

#include "services/oauth/client_authentication.h"
#include "services/oauth/client_rules.h"
#include "services/oauth/client_secrets.h"
#include "services/oauth/scopes.h"
#include "services/oauth/uri.h"

namespace gatehouse::oauth {
namespace {

std::string Refusal(v1::Client client) {
  const auto refused = PrepareClient(client);
  return refused.has_value() ? refused->error() : "";
}

TEST(UriTest, ClientsUrisAreReadLeniently) {
  for (const char* text :
       {"http://localhost:4000/cb", "https://x.example.com/a b", "com.example.app:/cb",
        "com.example.app://cb", "myapp:cb", "urn:ietf:wg:oauth:2.0:oob", "/relative", "http://",
        "http://[::1]:80/cb", "javascript:alert(1)", "http://x.example.com:99999/cb"}) {
    EXPECT_TRUE(ParseRequestUri(text).has_value()) << text;
  }
  for (const char* text :
       {"", " ", "relative", "%zz", "https://x.example.com/%zz", ":x", "http://a b.example.com/",
        "http://[::1/cb", "http://x:port/", "http://x/\n"}) {
    EXPECT_FALSE(ParseRequestUri(text).has_value()) << text;
  }
  const auto uri = ParseRequestUri("HTTPS://user@[::1]:444/p?q#f");
  ASSERT_TRUE(uri.has_value());
  EXPECT_EQ(uri->scheme, "https");
  EXPECT_TRUE(uri->has_user);
  EXPECT_EQ(uri->host, "[::1]");
  EXPECT_EQ(uri->port, "444");
  EXPECT_EQ(uri->path, "/p");
  EXPECT_EQ(uri->query, "q#f");
}

TEST(ClientRulesTest, RedirectsLeadToRegisteredPlaces) {
  v1::Client client;
  client.add_redirect_uris("https://a.example.com/cb");
  client.add_post_logout_redirect_uris("https://a.example.com/bye?x#y");
  EXPECT_EQ(Refusal(client), "");
  client.set_post_logout_redirect_uris(0, "https://a.example.com:443/bye");
  EXPECT_EQ(Refusal(client), "invalid_client_metadata");
  client.clear_post_logout_redirect_uris();
  client.add_redirect_uris("https://a.example.com/cb#fragment");
  EXPECT_EQ(Refusal(client), "invalid_redirect_uri");
}

TEST(ClientRulesTest, OriginsLoseTheirSlash) {
  v1::Client client;
  client.add_allowed_cors_origins("https://a.example.com:8443//");
  ASSERT_FALSE(PrepareClient(client).has_value());
  EXPECT_EQ(client.allowed_cors_origins(0), "https://a.example.com:8443");
  for (const char* origin : {"ftp://a.example.com", "https://u@a.example.com",
                             "https://a.example.com/path", "https://a.example.com?q", ""}) {
    client.set_allowed_cors_origins(0, origin);
    EXPECT_EQ(Refusal(client), "invalid_client_metadata") << origin;
  }
}

TEST(ClientRulesTest, NothingIsReadFromOtherServers) {
  v1::Client client;
  client.set_sector_identifier_uri("https://a.example.com/sector");
  EXPECT_EQ(Refusal(client), "invalid_client_metadata");
}

TEST(ScopesTest, WordsAndWildcards) {
  EXPECT_EQ(SplitWords(" a  b a "), (std::vector<std::string>{"a", "b"}));
  v1::Client client;
  client.set_scope("foo.* bar");
  EXPECT_FALSE(CheckScopes(client, {"foo.a", "foo.a.b", "foo.*", "bar"}).has_value());
  for (const char* scope : {"foo", "foo.", "bar.x", "*", "BAR"}) {
    EXPECT_TRUE(CheckScopes(client, {scope}).has_value()) << scope;
  }
}

TEST(ScopesTest, AnAudienceIsAtOrBelowARegisteredOne) {
  v1::Client client;
  client.add_audience("https://api.example.com");
  client.add_audience("aud1");
  EXPECT_FALSE(
      CheckAudience(client, {"https://api.example.com/", "https://api.example.com/sub", "aud1"})
          .has_value());
  for (const char* audience : {"https://api.example.com.evil", "http://api.example.com", "AUD1",
                               "aud1,aud2", "https://api.example.com:444/"}) {
    EXPECT_TRUE(CheckAudience(client, {audience}).has_value()) << audience;
  }
}

TEST(ClientAuthenticationTest, OneWayTheRegisteredOne) {
  v1::Client client;
  client.set_client_id("c");
  client.set_client_secret("the-secret");
  v1::ClientAuthentication header;
  header.mutable_header()->set_client_id("c");
  header.mutable_header()->set_client_secret("the-secret");
  v1::ClientAuthentication body;
  *body.mutable_body() = header.header();
  v1::ClientAuthentication both = header;
  *both.mutable_body() = header.header();
  v1::ClientAuthentication wrong = header;
  wrong.mutable_header()->set_client_secret("the-secreT");
  v1::ClientAuthentication nothing;
  nothing.mutable_body()->set_client_id("c");

  client.set_token_endpoint_auth_method("client_secret_basic");
  EXPECT_FALSE(AuthenticateClient(header, client).has_value());
  for (const auto& bad : {body, both, wrong, nothing}) {
    EXPECT_TRUE(AuthenticateClient(bad, client).has_value());
  }
  client.set_token_endpoint_auth_method("client_secret_post");
  EXPECT_FALSE(AuthenticateClient(body, client).has_value());
  for (const auto& bad : {header, both, wrong, nothing}) {
    EXPECT_TRUE(AuthenticateClient(bad, client).has_value());
  }
  client.set_token_endpoint_auth_method("none");
  EXPECT_FALSE(AuthenticateClient(nothing, client).has_value());
  EXPECT_TRUE(AuthenticateClient(header, client).has_value());
  client.set_token_endpoint_auth_method("private_key_jwt");
  for (const auto& bad : {header, body, nothing}) {
    EXPECT_TRUE(AuthenticateClient(bad, client).has_value());
  }
}

TEST(ClientSecretsTest, AreRandom) {
  const std::string secret = NewClientSecret();
  EXPECT_EQ(secret.size(), 26u);
  EXPECT_NE(secret, NewClientSecret());
  EXPECT_TRUE(IsClientSecret(secret, secret));
  EXPECT_FALSE(IsClientSecret("", secret));
}

}  // namespace
}  // namespace gatehouse::oauth
