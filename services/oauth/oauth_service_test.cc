#include <gtest/gtest.h>

#include "gatehouse/oauth/v1/oauth_client_service.rpc.h"
#include "gatehouse/oauth/v1/oauth_flow_service.rpc.h"
#include "gatehouse/oauth/v1/oauth_logout_service.rpc.h"
#include "gatehouse/oauth/v1/oauth_token_service.rpc.h"
#include "libs/base/json.h"
#include "libs/base/status.h"
#include "libs/crypto/bytes.h"
#include "libs/testing/policy_check.h"
#include "services/oauth/oauth_test_env.h"
#include "services/oauth/pg_oauth_cleanup.h"
#include "services/oauth/policy.h"

namespace gatehouse::oauth {
namespace {

TEST(OAuthPolicyTest, IsEnforced) {
  testing::ExpectPolicyIsEnforced(v1::OAuthClientService::Info(), OAuthClientPolicy());
  testing::ExpectPolicyIsEnforced(v1::OAuthFlowService::Info(), OAuthFlowPolicy());
  testing::ExpectPolicyIsEnforced(v1::OAuthLogoutService::Info(), OAuthLogoutPolicy());
  testing::ExpectPolicyIsEnforced(v1::OAuthTokenService::Info(), OAuthTokenPolicy());
}

// One column of one row.
std::string Cell(db::Database& database, const db::Statement& statement) {
  const auto rows = database.Execute(testing::Soon(), statement);
  EXPECT_TRUE(rows.ok()) << rows.status();
  return rows.ok() && !rows->empty() ? std::string(rows->front().Text(0)) : "";
}

TEST_F(OAuthTest, SecretsAreStoredEncryptedAndComeBack) {
  const v1::Client made = CreateMachine();
  EXPECT_EQ(made.client_secret().size(), 26u);
  const std::string stored =
      Cell(*database, {"test_secret", "SELECT client_secret FROM {oauth_clients}"});
  EXPECT_GT(stored.size(), made.client_secret().size());
  EXPECT_EQ(stored.find(made.client_secret()), std::string::npos);
  const std::string settings =
      Cell(*database, {"test_settings", "SELECT settings FROM {gatehouse_oauth_clients}"});
  EXPECT_EQ(settings.find(made.client_secret()), std::string::npos);

  v1::GetClientRequest request;
  *request.mutable_scope() = app;
  request.set_client_id("machine");
  const auto found = clients.GetClient(context, request);
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->client().client_secret(), made.client_secret());
  *request.mutable_scope() = other_app;
  EXPECT_FALSE(clients.GetClient(context, request)->has_client());
}

TEST_F(OAuthTest, APublicClientHasNoSecret) {
  v1::Client client;
  client.set_token_endpoint_auth_method("none");
  client.set_client_secret("given-nevertheless");
  EXPECT_FALSE(Create(client, app).created().has_client_secret());
}

TEST_F(OAuthTest, AnIdIsTakenInItsAppOnly) {
  CreateMachine();
  v1::Client client;
  client.set_client_id("machine");
  EXPECT_EQ(Create(client, app).refused().status_code(), 409);
  EXPECT_TRUE(Create(client, other_app).has_created());
}

TEST_F(OAuthTest, AnUpdateChangesWhatItNames) {
  const v1::Client made = CreateMachine();
  v1::UpdateClientRequest request;
  *request.mutable_scope() = app;
  request.mutable_client()->set_client_id("machine");
  request.mutable_client()->set_client_name("named");
  request.mutable_client()->set_scope("ignored");
  request.mutable_update_mask()->add_paths("client_name");
  request.mutable_update_mask()->add_paths("audience");
  const auto updated = clients.UpdateClient(context, request);
  ASSERT_TRUE(updated.ok()) << updated.status();
  EXPECT_EQ(updated->updated().client_name(), "named");
  EXPECT_EQ(updated->updated().scope(), "read write");
  EXPECT_EQ(updated->updated().audience_size(), 0);
  EXPECT_EQ(updated->updated().client_secret(), made.client_secret());
  request.mutable_update_mask()->add_paths("client_id");
  EXPECT_EQ(ReasonOf(clients.UpdateClient(context, request).status()), ErrorReason::kBadInput);
}

TEST_F(OAuthTest, PagesEndWithTheAppsClients) {
  for (const char* id : {"a", "b", "c"}) CreateMachine(id);
  v1::Client elsewhere;
  Create(elsewhere, other_app);
  v1::ListClientsRequest request;
  *request.mutable_scope() = app;
  request.set_page_size(2);
  auto page = clients.ListClients(context, request);
  ASSERT_TRUE(page.ok()) << page.status();
  ASSERT_EQ(page->clients_size(), 2);
  EXPECT_EQ(page->clients(1).client_id(), "b");
  request.set_page_token(page->next_page_token());
  page = clients.ListClients(context, request);
  ASSERT_EQ(page->clients_size(), 1);
  EXPECT_EQ(page->next_page_token(), "");
}

// A client of an original, which kept everything else elsewhere.
TEST_F(OAuthTest, AClientWithoutMetadataHasDefaultsUntilItIsWritten) {
  CreateMachine();
  ASSERT_TRUE(
      database->Execute(testing::Soon(), {"test_forget", "DELETE FROM {gatehouse_oauth_clients}"})
          .ok());
  v1::UpdateClientRequest request;
  *request.mutable_scope() = app;
  request.mutable_client()->set_client_id("machine");
  request.mutable_client()->set_scope("read");
  request.mutable_update_mask()->add_paths("scope");
  const auto updated = clients.UpdateClient(context, request);
  ASSERT_TRUE(updated.ok()) << updated.status();
  EXPECT_EQ(updated->updated().grant_types(0), "client_credentials");
  v1::IssueTokensRequest token = TokenRequest(updated->updated());
  token.set_requested_scope("read");
  EXPECT_TRUE(Issue(token).has_tokens());
}

TEST_F(OAuthTest, ATokenSaysWhatItsClientMayDo) {
  const v1::Client client = CreateMachine();
  v1::IssueTokensRequest request = TokenRequest(client);
  request.set_requested_scope("read");
  request.set_requested_audience("https://api.example.com/v1");
  request.set_access_token_claims(R"({"a":1,"sub":"somebody","exp":1,"sessionHandle":"sh"})");
  const v1::IssueTokensResponse response = Issue(request);
  ASSERT_TRUE(response.has_tokens()) << response.DebugString();
  EXPECT_EQ(response.tokens().expires_in_s(), 3600);
  EXPECT_EQ(response.tokens().scope(), "read");
  const auto claims = json::Parse(Introspect(response.tokens().access_token()));
  ASSERT_TRUE(claims.ok());
  EXPECT_EQ(claims->FindString("sub"), "machine");
  EXPECT_EQ(claims->Find("a")->AsInt64(), 1);
  EXPECT_EQ(claims->Find("exp")->AsInt64(), clock.NowMs() / 1000 + 3600);
  EXPECT_EQ(json::Serialize(*claims->Find("scp")), R"(["read"])");
  EXPECT_EQ(Introspect(response.tokens().access_token(), other_app), "");
  EXPECT_EQ(Cell(*database, {"test_stats", "SELECT count FROM {oauth_m2m_token_stats}"}), "1");

  request.set_requested_scope("read admin");
  EXPECT_EQ(Issue(request).refused().error(), "invalid_scope");
  request.set_requested_scope("");
  request.set_requested_audience("https://api.example.com.evil.example");
  EXPECT_EQ(Issue(request).refused().error(), "invalid_request");
  request.set_requested_audience("");
  request.mutable_authentication()->mutable_header()->set_client_secret("another-secret");
  EXPECT_EQ(Issue(request).refused().error(), "invalid_client");
}

TEST_F(OAuthTest, TokensEndWithTimeRevocationSessionAndClient) {
  const v1::Client client = CreateMachine();
  const std::string first = AccessToken(client);
  const std::string second = AccessToken(client);
  v1::RevokeTokenRequest revoke;
  *revoke.mutable_scope() = other_app;
  revoke.set_token(first);
  ASSERT_TRUE(tokens.RevokeToken(context, revoke).ok());
  EXPECT_NE(Introspect(first), "");
  *revoke.mutable_scope() = app;
  ASSERT_TRUE(tokens.RevokeToken(context, revoke).ok());
  EXPECT_EQ(Introspect(first), "");
  EXPECT_NE(Introspect(second), "");

  v1::IssueTokensRequest of_session = TokenRequest(client);
  of_session.set_access_token_claims(R"({"sessionHandle":"sh"})");
  const std::string third = Issue(of_session).tokens().access_token();
  v1::RevokeTokensOfSessionRequest end_session;
  *end_session.mutable_scope() = app;
  end_session.set_session_handle("sh");
  ASSERT_TRUE(tokens.RevokeTokensOfSession(context, end_session).ok());
  EXPECT_EQ(Introspect(third), "");
  EXPECT_NE(Introspect(second), "");

  v1::RevokeTokensOfClientRequest end_client;
  *end_client.mutable_scope() = app;
  end_client.set_client_id("machine");
  ASSERT_TRUE(tokens.RevokeTokensOfClient(context, end_client).ok());
  EXPECT_EQ(Introspect(second), "");

  const std::string fourth = AccessToken(client);
  clock.AdvanceMs(3599'000);
  EXPECT_NE(Introspect(fourth), "");
  clock.AdvanceMs(1'000);
  EXPECT_EQ(Introspect(fourth), "");

  const std::string fifth = AccessToken(client);
  v1::DeleteClientRequest remove;
  *remove.mutable_scope() = app;
  remove.set_client_id("machine");
  EXPECT_TRUE(clients.DeleteClient(context, remove)->existed());
  EXPECT_EQ(Introspect(fifth), "");
  EXPECT_TRUE(Issue(TokenRequest(client)).client_not_found());
}

TEST_F(OAuthTest, AForgedTokenIsNone) {
  const std::string token = AccessToken(CreateMachine());
  const int reads = jwks.reads;
  std::string forged = token;
  forged[forged.size() / 2] = forged[forged.size() / 2] == 'A' ? 'B' : 'A';
  EXPECT_EQ(Introspect(forged), "");
  for (const char* text : {"", "x", "a.b.c", "..", "e30.e30.AA"}) EXPECT_EQ(Introspect(text), "");
  // {"alg":"none","kid":"s-1"}
  const std::string unsigned_header = crypto::Base64UrlEncode(R"({"alg":"none","kid":"s-1"})");
  EXPECT_EQ(Introspect(unsigned_header + token.substr(token.find('.'))), "");
  // Keys that nobody has heard of are asked for once a second.
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(Introspect(crypto::Base64UrlEncode(R"({"alg":"RS256","kid":"unknown"})") +
                         token.substr(token.find('.'))),
              "");
  }
  EXPECT_LE(jwks.reads, reads + 1);
}

TEST_F(OAuthTest, ExpiredFlowsGo) {
  v1::Client client;
  client.set_client_id("site");
  client.add_redirect_uris("https://app.example.com/cb");
  ASSERT_TRUE(Create(client, app).has_created());
  v1::AuthorizeRequest request;
  *request.mutable_scope() = app;
  for (const auto& [name, value] :
       {std::pair("client_id", "site"), std::pair("response_type", "code"),
        std::pair("state", "state-of-the-client")}) {
    (*request.mutable_parameters())[name] = value;
  }
  for (int i = 0; i < 2; ++i) {
    const auto response = flows.Authorize(context, request);
    ASSERT_TRUE(response.ok()) << response.status();
    EXPECT_TRUE(response->redirect_to().starts_with("{apiDomain}/oauth/login?"));
    clock.AdvanceMs(16 * 60'000);
  }
  ASSERT_TRUE(DeleteExpired(tenants.directory(), tenants, clock, testing::Soon()).ok());
  EXPECT_EQ(Cell(*database, {"test_flows", "SELECT count(*) FROM {gatehouse_oauth_flows}"}), "1");
}

TEST_F(OAuthTest, ExpiredRowsGo) {
  AccessToken(CreateMachine());
  clock.AdvanceMs(1800'000);
  const std::string alive = AccessToken(CreateMachine("second"));
  clock.AdvanceMs(1801'000);
  ASSERT_TRUE(DeleteExpired(tenants.directory(), tenants, clock, testing::Soon()).ok());
  EXPECT_EQ(Cell(*database, {"test_rows", "SELECT count(*) FROM {oauth_sessions}"}), "1");
  EXPECT_NE(Introspect(alive), "");
}

}  // namespace
}  // namespace gatehouse::oauth
