#include "services/oauth/grant_tokens.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/crypto/bytes.h"
#include "libs/crypto/digest.h"
#include "services/oauth/client_authentication.h"
#include "services/oauth/oauth_errors.h"
#include "services/oauth/scopes.h"
#include "services/oauth/token_claims.h"

namespace gatehouse::oauth {
namespace {

// A wrong one does not spoil the code for its owner, but nobody may go on guessing.
constexpr int kMaxWrongVerifiers = 5;

template <typename Words>
bool Has(const Words& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool BringsRefreshToken(const v1::Grant& grant) {
  return Has(grant.scopes(), "offline") || Has(grant.scopes(), "offline_access");
}

std::vector<std::string> Copy(const google::protobuf::RepeatedPtrField<std::string>& words) {
  return {words.begin(), words.end()};
}

// Of the form of RFC 7636, 4.1, and the challenge's.
std::optional<v1::OAuthError> CheckVerifier(const v1::Grant& grant, const std::string& verifier) {
  if (grant.code_challenge().empty() && verifier.empty()) return std::nullopt;
  if (verifier.size() < 43) {
    return InvalidGrant("The PKCE code verifier must be at least 43 characters.");
  }
  if (verifier.size() > 128) {
    return InvalidGrant("The PKCE code verifier can not be longer than 128 characters.");
  }
  const bool well_formed = std::all_of(verifier.begin(), verifier.end(), [](char c) {
    return absl::ascii_isalnum(c) || c == '-' || c == '.' || c == '_' || c == '~';
  });
  if (!well_formed) {
    return InvalidGrant(
        "The PKCE code verifier must only contain [a-Z], [0-9], '-', '.', '_', '~'.");
  }
  const std::string challenge = crypto::Base64UrlEncode(crypto::Sha256(verifier));
  if (grant.code_challenge().empty() ||
      !crypto::ConstantTimeEqual(challenge, grant.code_challenge())) {
    return InvalidGrant("The PKCE code challenge did not match the code verifier.");
  }
  return std::nullopt;
}

v1::IssueTokensResponse Refuse(v1::OAuthError error) {
  v1::IssueTokensResponse response;
  *response.mutable_refused() = std::move(error);
  return response;
}

TokenOptions OptionsOf(const v1::IssueTokensRequest& request) {
  TokenOptions options = {.issuer = request.issuer(), .use_dynamic_key = request.use_dynamic_key()};
  if (request.has_access_token_claims()) {
    options.access_token_claims = request.access_token_claims();
  }
  if (request.has_id_token_claims()) options.id_token_claims = request.id_token_claims();
  return options;
}

v1::IssueTokensResponse Reply(SignedTokens tokens, const v1::Grant& grant,
                              const std::optional<std::string>& refresh_token) {
  v1::IssueTokensResponse response;
  v1::IssueTokensResponse::Tokens& reply = *response.mutable_tokens();
  reply.set_access_token(std::move(tokens.access_token));
  reply.set_expires_in_s(tokens.lifetime_s);
  reply.set_scope(JoinWords(Copy(grant.scopes())));
  if (!tokens.id_token.empty()) reply.set_id_token(std::move(tokens.id_token));
  if (refresh_token.has_value()) reply.set_refresh_token(*refresh_token);
  return response;
}

std::string RandomPair() {
  return StrCat(crypto::Base64UrlEncode(crypto::RandomBytes(32)), ".",
                crypto::Base64UrlEncode(crypto::RandomBytes(32)));
}

}  // namespace

std::string NewCode() { return "st_ac_" + RandomPair(); }
std::string NewRefreshToken() { return "st_rt_" + RandomPair(); }

std::string_view CodeWithoutPrefix(std::string_view code) {
  for (const std::string_view prefix : {"st_ac_", "ory_ac_"}) {
    if (code.starts_with(prefix)) return code.substr(prefix.size());
  }
  return code;
}

absl::StatusOr<SignedTokens> GrantTokens::Sign(CallContext& context, const Where& app,
                                               const v1::Client& client, const v1::Grant& grant,
                                               const TokenOptions& options, Source source,
                                               bool with_access_token, bool with_id_token) {
  const int64_t now_s = clock_.NowMs() / 1000;
  const bool implicit = source == Source::kBrowser || (source == Source::kCode && grant.hybrid());
  SignedTokens tokens;
  if (source == Source::kRefresh) {
    tokens.lifetime_s =
        LifespanSeconds(client.has_refresh_token_grant_access_token_lifespan(),
                        client.refresh_token_grant_access_token_lifespan(), kAccessTokenLifetimeS);
  } else if (implicit) {
    tokens.lifetime_s =
        LifespanSeconds(client.has_implicit_grant_access_token_lifespan(),
                        client.implicit_grant_access_token_lifespan(), kAccessTokenLifetimeS);
  } else {
    tokens.lifetime_s = LifespanSeconds(client.has_authorization_code_grant_access_token_lifespan(),
                                        client.authorization_code_grant_access_token_lifespan(),
                                        kAccessTokenLifetimeS);
  }
  tokens.row = {.gid = grant.gid(),
                .client_id = grant.client_id(),
                .session_handle = std::nullopt,
                .jti = crypto::NewUuid4(),
                .issued_at_s = now_s,
                .expires_at_s = now_s + tokens.lifetime_s};
  if (with_access_token) {
    ASSIGN_OR_RETURN(
        const json::Value callers,
        ParseClaims(options.access_token_claims.value_or(
            grant.access_token_claims().empty() ? "{}" : grant.access_token_claims())));
    const json::Value claims =
        AccessTokenJson({.issuer = grant.issuer().empty() ? options.issuer : grant.issuer(),
                         .subject = grant.subject(),
                         .client_id = grant.client_id(),
                         .scopes = Copy(grant.scopes()),
                         .audience = Copy(grant.audience()),
                         .gid = grant.gid(),
                         .jti = tokens.row.jti,
                         .issued_at_s = now_s,
                         .expires_at_s = tokens.row.expires_at_s,
                         .grant = &grant},
                        callers);
    tokens.row.session_handle = SessionHandleOf(claims);
    ASSIGN_OR_RETURN(tokens.access_token,
                     keys_.Sign(context, *app.tenant, claims, options.use_dynamic_key));
  }
  if (with_id_token) {
    ASSIGN_OR_RETURN(const json::Value callers,
                     ParseClaims(options.id_token_claims.value_or(
                         grant.id_token_claims().empty() ? "{}" : grant.id_token_claims())));
    int64_t lifetime_s = 0;
    if (source == Source::kRefresh) {
      lifetime_s =
          LifespanSeconds(client.has_refresh_token_grant_id_token_lifespan(),
                          client.refresh_token_grant_id_token_lifespan(), kIdTokenLifetimeS);
    } else if (source == Source::kBrowser) {
      lifetime_s = LifespanSeconds(client.has_implicit_grant_id_token_lifespan(),
                                   client.implicit_grant_id_token_lifespan(), kIdTokenLifetimeS);
    } else {
      lifetime_s =
          LifespanSeconds(client.has_authorization_code_grant_id_token_lifespan(),
                          client.authorization_code_grant_id_token_lifespan(), kIdTokenLifetimeS);
    }
    const json::Value claims =
        IdTokenJson(grant,
                    {.issuer = options.issuer,
                     .at_hash = tokens.access_token.empty() ? "" : HalfHash(tokens.access_token),
                     .c_hash = source == Source::kRefresh ? "" : grant.c_hash(),
                     .issued_at_s = now_s,
                     .expires_at_s = now_s + lifetime_s},
                    callers);
    ASSIGN_OR_RETURN(tokens.id_token,
                     keys_.Sign(context, *app.tenant, claims, options.use_dynamic_key));
  }
  return tokens;
}

void GrantTokens::NoteActivity(CallContext& context, const Where& app, const SignedTokens& tokens) {
  if (activity_ == nullptr || !tokens.row.session_handle.has_value()) return;
  activity_->Note(context, *app.tenant, *tokens.row.session_handle);
}

absl::StatusOr<v1::IssueTokensResponse> GrantTokens::RedeemCode(
    CallContext& context, const Where& app, const v1::Client& client,
    const v1::IssueTokensRequest& request) {
  if (auto refused = CheckGrantType(client, "authorization_code")) {
    return Refuse(*std::move(refused));
  }
  const std::string_view code = CodeWithoutPrefix(request.code());
  ASSIGN_OR_RETURN(const std::optional<PgFlowStore::Code> found, flows_.FindCode(app, code));
  const int64_t now_ms = clock_.NowMs();
  if (!found.has_value() || found->expires_at_ms <= now_ms) return Refuse(InvalidGrant());
  const v1::Grant& grant = found->grant;
  if (found->client_id != client.client_id()) {
    return Refuse(InvalidGrant(
        "The OAuth 2.0 Client ID from this request does not match the one from the authorize "
        "request."));
  }
  const auto refuse_reuse = [&]() -> absl::StatusOr<v1::IssueTokensResponse> {
    RETURN_IF_ERROR(sessions_.RevokeGrant(app, grant.gid()));
    return Refuse(InvalidGrant("The authorization code has already been used."));
  };
  if (found->used) return refuse_reuse();
  if (!grant.redirect_uri().empty() && grant.redirect_uri() != request.redirect_uri()) {
    return Refuse(InvalidGrant(
        "The 'redirect_uri' from this request does not match the one from the authorize "
        "request."));
  }
  if (auto refused = CheckVerifier(grant, request.code_verifier())) {
    ASSIGN_OR_RETURN(const bool counted, flows_.CountWrongVerifier(app, code, kMaxWrongVerifiers));
    return Refuse(counted ? *std::move(refused) : InvalidGrant());
  }
  if (found->wrong_verifiers >= kMaxWrongVerifiers) return Refuse(InvalidGrant());
  ASSIGN_OR_RETURN(SignedTokens tokens,
                   Sign(context, app, client, grant, OptionsOf(request), Source::kCode,
                        /*with_access_token=*/true, Has(grant.scopes(), "openid")));
  std::optional<PgSessionStore::RefreshToken> refresh;
  if (BringsRefreshToken(grant) && !CheckGrantType(client, "refresh_token").has_value()) {
    const int64_t lifetime_s = LifespanSeconds(
        client.has_authorization_code_grant_refresh_token_lifespan(),
        client.authorization_code_grant_refresh_token_lifespan(), kRefreshTokenLifetimeS);
    refresh = {.token = NewRefreshToken(), .expires_at_s = now_ms / 1000 + lifetime_s};
  }
  // From then on only the caller's claims count, and the code is gone.
  v1::Grant document = grant;
  document.clear_access_token_claims();
  document.clear_id_token_claims();
  document.clear_code_challenge();
  document.clear_c_hash();
  ASSIGN_OR_RETURN(const bool used,
                   sessions_.UseCode(app, code, kMaxWrongVerifiers, tokens.row, refresh, document));
  if (!used) return refuse_reuse();
  NoteActivity(context, app, tokens);
  return Reply(std::move(tokens), grant,
               refresh.has_value() ? std::optional(refresh->token) : std::nullopt);
}

absl::StatusOr<std::optional<PgSessionStore::FoundGrant>> GrantTokens::FindRefreshToken(
    const Where& app, std::string_view token) {
  ASSIGN_OR_RETURN(std::optional<PgSessionStore::FoundGrant> found,
                   sessions_.FindByRefreshToken(app, token));
  if (found.has_value() && found->expires_at_s <= clock_.NowMs() / 1000) return std::nullopt;
  return found;
}

absl::Status GrantTokens::NoteReuse(const Where& app, std::string_view token,
                                    const std::string& client_id) {
  ASSIGN_OR_RETURN(const std::optional<PgSessionStore::Rotated> rotated,
                   sessions_.FindRotated(app, token));
  if (!rotated.has_value() || rotated->client_id != client_id) return absl::OkStatus();
  return sessions_.RevokeGrant(app, rotated->gid);
}

absl::StatusOr<v1::IssueTokensResponse> GrantTokens::Refresh(
    CallContext& context, const Where& app, const v1::Client& client,
    const PgSessionStore::FoundGrant& found, const v1::IssueTokensRequest& request) {
  if (auto refused = CheckGrantType(client, "refresh_token")) return Refuse(*std::move(refused));
  const v1::Grant& grant = found.grant;
  if (found.client_id != client.client_id()) {
    return Refuse(InvalidGrant(
        "The OAuth 2.0 Client ID from this request does not match the ID during the initial token "
        "issuance."));
  }
  // What the client is registered with may have become less.
  if (auto refused = CheckScopes(client, Copy(grant.scopes()))) return Refuse(*std::move(refused));
  if (auto refused = CheckAudience(client, Copy(grant.audience()))) {
    return Refuse(*std::move(refused));
  }
  ASSIGN_OR_RETURN(SignedTokens tokens,
                   Sign(context, app, client, grant, OptionsOf(request), Source::kRefresh,
                        /*with_access_token=*/true, Has(grant.scopes(), "openid")));
  const int64_t lifetime_s =
      LifespanSeconds(client.has_refresh_token_grant_refresh_token_lifespan(),
                      client.refresh_token_grant_refresh_token_lifespan(), kRefreshTokenLifetimeS);
  std::optional<std::string> replacement;
  if (client.enable_refresh_token_rotation()) replacement = NewRefreshToken();
  ASSIGN_OR_RETURN(const bool kept,
                   sessions_.Refresh(app, request.refresh_token(), tokens.row, replacement,
                                     tokens.row.issued_at_s + lifetime_s));
  if (!kept) {
    // Somebody has replaced it meanwhile: two have it. Or the grant has ended.
    RETURN_IF_ERROR(NoteReuse(app, request.refresh_token(), client.client_id()));
    return Refuse(TokenInactive());
  }
  NoteActivity(context, app, tokens);
  return Reply(std::move(tokens), grant, replacement);
}

absl::StatusOr<std::optional<SignedTokens>> GrantTokens::IssueToBrowser(
    CallContext& context, const Where& app, const v1::Client& client, const v1::Grant& grant,
    const TokenOptions& options, bool with_access_token, bool with_id_token) {
  ASSIGN_OR_RETURN(SignedTokens tokens, Sign(context, app, client, grant, options, Source::kBrowser,
                                             with_access_token, with_id_token));
  if (with_access_token) {
    ASSIGN_OR_RETURN(const bool added, sessions_.AddGrant(app, tokens.row));
    if (!added) return std::nullopt;
    NoteActivity(context, app, tokens);
  }
  return tokens;
}

json::Value GrantTokens::RefreshTokenJson(const PgSessionStore::FoundGrant& found) {
  const v1::Grant& grant = found.grant;
  json::Value audience = json::Value::Array();
  for (const std::string& one : grant.audience()) audience.Append(one);
  return json::Value::Object({{"scope", JoinWords(Copy(grant.scopes()))},
                              {"client_id", grant.client_id()},
                              {"sub", grant.subject()},
                              {"exp", found.expires_at_s},
                              {"iat", found.refreshed_at_s},
                              {"nbf", found.refreshed_at_s},
                              {"aud", std::move(audience)},
                              {"iss", grant.issuer()},
                              {"gid", grant.gid()},
                              {"tId", grant.tenant_id()},
                              {"rsub", grant.recipe_user_id()},
                              {"sessionHandle", grant.session_handle()}});
}

}  // namespace gatehouse::oauth
