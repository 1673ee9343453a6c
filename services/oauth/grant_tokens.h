#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "gatehouse/oauth/v1/client.pb.h"
#include "gatehouse/oauth/v1/flow.pb.h"
#include "gatehouse/oauth/v1/oauth_token_service.pb.h"
#include "libs/base/call_context.h"
#include "libs/base/clock.h"
#include "libs/base/json.h"
#include "services/oauth/pg_flow_store.h"
#include "services/oauth/pg_session_store.h"
#include "services/oauth/session_activity.h"
#include "services/oauth/token_keys.h"

namespace gatehouse::oauth {

// How a caller wants tokens to be.
struct TokenOptions {
  std::string issuer;
  bool use_dynamic_key = false;
  // JSON objects; nullopt: those of the grant.
  std::optional<std::string> access_token_claims;
  std::optional<std::string> id_token_claims;
};

// Tokens that are signed, but not yet alive.
struct SignedTokens {
  PgSessionStore::Grant row;
  std::string access_token;  // empty: none was wanted
  std::string id_token;      // likewise
  int64_t lifetime_s = 0;    // of the access token
};

// The rules of tokens that a user has granted: codes and refresh tokens. Thread-safe.
class GrantTokens {
 public:
  // All outlive the rules. Without `activity` nobody is told whose session was used.
  GrantTokens(PgSessionStore& sessions, PgFlowStore& flows, TokenKeys& keys,
              SessionActivity* activity, const Clock& clock)
      : sessions_(sessions), flows_(flows), keys_(keys), activity_(activity), clock_(clock) {}

  // To an authenticated client.
  absl::StatusOr<v1::IssueTokensResponse> RedeemCode(CallContext& context, const Where& app,
                                                     const v1::Client& client,
                                                     const v1::IssueTokensRequest& request);
  // `found` is what the token stands for.
  absl::StatusOr<v1::IssueTokensResponse> Refresh(CallContext& context, const Where& app,
                                                  const v1::Client& client,
                                                  const PgSessionStore::FoundGrant& found,
                                                  const v1::IssueTokensRequest& request);
  // A token that is alive; one that was replaced is none. nullopt: it is not.
  absl::StatusOr<std::optional<PgSessionStore::FoundGrant>> FindRefreshToken(
      const Where& app, std::string_view token);
  // Ends the grant if the token was one of the client's that has been replaced: somebody has it who
  // should not (RFC 9700, 4.14).
  absl::Status NoteReuse(const Where& app, std::string_view token, const std::string& client_id);

  // For a browser's answer; makes them alive.
  absl::StatusOr<std::optional<SignedTokens>> IssueToBrowser(
      CallContext& context, const Where& app, const v1::Client& client, const v1::Grant& grant,
      const TokenOptions& options, bool with_access_token, bool with_id_token);

  // The claims of a refresh token (RFC 7662).
  static json::Value RefreshTokenJson(const PgSessionStore::FoundGrant& found);

 private:
  // Tokens were issued for the grant's session.
  void NoteActivity(CallContext& context, const Where& app, const SignedTokens& tokens);
  enum class Source { kCode, kBrowser, kRefresh };
  absl::StatusOr<SignedTokens> Sign(CallContext& context, const Where& app,
                                    const v1::Client& client, const v1::Grant& grant,
                                    const TokenOptions& options, Source source,
                                    bool with_access_token, bool with_id_token);

  PgSessionStore& sessions_;
  PgFlowStore& flows_;
  TokenKeys& keys_;
  SessionActivity* const activity_;
  const Clock& clock_;
};

// What clients get: "st_ac_..." and "st_rt_...", 64 random bytes.
std::string NewCode();
std::string NewRefreshToken();
// What is stored of a code; the original's server writes them with another prefix.
std::string_view CodeWithoutPrefix(std::string_view code);

}  // namespace gatehouse::oauth
