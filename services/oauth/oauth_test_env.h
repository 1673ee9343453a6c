#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "gatehouse/jwks/v1/jwks_service.rpc.h"
#include "libs/crypto/core_vectors.h"
#include "libs/crypto/jwt.h"
#include "libs/crypto/jwt_claims.h"
#include "libs/crypto/rsa_key.h"
#include "libs/testing/fake_clock.h"
#include "libs/testing/pg_test_server.h"
#include "libs/testing/test_tenants.h"
#include "services/oauth/authorization.h"
#include "services/oauth/grant_tokens.h"
#include "services/oauth/oauth_client_service.h"
#include "services/oauth/oauth_flow_service.h"
#include "services/oauth/oauth_token_service.h"
#include "services/oauth/pg_client_store.h"
#include "services/oauth/pg_flow_store.h"
#include "services/oauth/pg_session_store.h"
#include "services/oauth/token_keys.h"
#include "services/oauth/tokens.h"

namespace gatehouse::oauth {

// Signs with one key, for every app.
class FakeJwks final : public jwks::v1::JwksService {
 public:
  absl::StatusOr<jwks::v1::GetPublicKeysResponse> GetPublicKeys(
      rpc::CallContext&, const jwks::v1::GetPublicKeysRequest&) override {
    ++reads;
    jwks::v1::GetPublicKeysResponse response;
    jwks::v1::PublicKey& key = *response.add_keys();
    key.set_key_id("s-1");
    key.set_modulus_base64url(pair_->public_key().jwk_n());
    key.set_exponent_base64url(pair_->public_key().jwk_e());
    response.set_max_age_s(60);
    return response;
  }
  absl::StatusOr<jwks::v1::GetSigningKeysResponse> GetSigningKeys(
      rpc::CallContext&, const jwks::v1::GetSigningKeysRequest&) override {
    return absl::UnimplementedError("");
  }
  absl::StatusOr<jwks::v1::CreateJwtResponse> CreateJwt(
      rpc::CallContext&, const jwks::v1::CreateJwtRequest& request) override {
    jwks::v1::CreateJwtResponse response;
    response.set_jwt(
        *crypto::EncodeJwt(crypto::JwtHeader("s-1", std::nullopt), request.payload_json(), *pair_));
    return response;
  }

  int reads = 0;

 private:
  const std::shared_ptr<const crypto::RsaKeyPair> pair_ =
      *crypto::RsaKeyPair::FromStored(crypto::core_vectors::kKeyPair);
};

// The service on a real database, called through its RPC interfaces.
class OAuthTest : public ::testing::Test {
 protected:
  OAuthTest() { context.deadline = testing::Soon(); }

  v1::CreateClientResponse Create(const v1::Client& client, const common::v1::Scope& scope) {
    v1::CreateClientRequest request;
    *request.mutable_scope() = scope;
    *request.mutable_client() = client;
    const auto response = clients.CreateClient(context, request);
    EXPECT_TRUE(response.ok()) << response.status();
    return response.value_or(v1::CreateClientResponse());
  }
  // One that may get tokens for itself.
  v1::Client CreateMachine(const std::string& id = "machine") {
    v1::Client client;
    client.set_client_id(id);
    client.add_grant_types("client_credentials");
    client.set_scope("read write");
    client.add_audience("https://api.example.com");
    const v1::CreateClientResponse response = Create(client, app);
    EXPECT_TRUE(response.has_created()) << response.DebugString();
    return response.created();
  }
  v1::IssueTokensRequest TokenRequest(const v1::Client& client) {
    v1::IssueTokensRequest request;
    *request.mutable_scope() = app;
    request.mutable_authentication()->mutable_header()->set_client_id(client.client_id());
    request.mutable_authentication()->mutable_header()->set_client_secret(client.client_secret());
    request.set_grant_type("client_credentials");
    request.set_issuer("https://issuer.example.com");
    return request;
  }
  v1::IssueTokensResponse Issue(const v1::IssueTokensRequest& request) {
    const auto response = tokens.IssueTokens(context, request);
    EXPECT_TRUE(response.ok()) << response.status();
    return response.value_or(v1::IssueTokensResponse());
  }
  std::string AccessToken(const v1::Client& client) {
    const v1::IssueTokensResponse response = Issue(TokenRequest(client));
    EXPECT_TRUE(response.has_tokens()) << response.DebugString();
    return response.tokens().access_token();
  }
  // Its claims; "" when it is not alive.
  std::string Introspect(const std::string& token, const common::v1::Scope& scope) {
    v1::IntrospectTokenRequest request;
    *request.mutable_scope() = scope;
    request.set_token(token);
    const auto response = tokens.IntrospectToken(context, request);
    EXPECT_TRUE(response.ok()) << response.status();
    return response.ok() && response->active() ? response->claims() : "";
  }
  std::string Introspect(const std::string& token) { return Introspect(token, app); }

  const std::unique_ptr<db::Database> database =
      testing::TestPostgres::Shared().CreateDatabase(/*pool_size=*/8);
  testing::TestTenants tenants{*database};
  const common::v1::Scope app = tenants.Add("app", "public")->scope();
  const common::v1::Scope other_app = tenants.Add("other", "public")->scope();
  testing::FakeClock clock;
  FakeJwks jwks;
  PgClientStore client_store{tenants};
  PgSessionStore session_store{tenants};
  TokenKeys keys{jwks, clock};
  Tokens rules{session_store, keys, clock};
  OAuthClientServiceImpl clients{tenants.directory(), client_store};
  PgFlowStore flow_store{tenants};
  GrantTokens grants{session_store, flow_store, keys, /*activity=*/nullptr, clock};
  Authorization authorization{flow_store, grants, keys, clock};
  OAuthFlowServiceImpl flows{tenants.directory(), client_store, authorization};
  ClientLimits limits{clock};
  OAuthTokenServiceImpl tokens{tenants.directory(), client_store, session_store,
                               rules,               grants,       limits};
  rpc::CallContext context;
};

}  // namespace gatehouse::oauth
