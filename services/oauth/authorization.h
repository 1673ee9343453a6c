#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "gatehouse/oauth/v1/client.pb.h"
#include "gatehouse/oauth/v1/oauth_flow_service.pb.h"
#include "libs/base/call_context.h"
#include "libs/base/clock.h"
#include "services/oauth/authorization_request.h"
#include "services/oauth/grant_tokens.h"
#include "services/oauth/pg_flow_store.h"
#include "services/oauth/token_keys.h"

namespace gatehouse::oauth {

// The rules of the authorization endpoint: a browser's three visits, and what login and consent
// pages answer. Thread-safe.
class Authorization {
 public:
  // All outlive the rules.
  Authorization(PgFlowStore& store, GrantTokens& tokens, TokenKeys& keys, const Clock& clock)
      : store_(store), tokens_(tokens), keys_(keys), clock_(clock) {}

  absl::StatusOr<v1::AuthorizeResponse> Authorize(CallContext& context, const Where& app,
                                                  const v1::Client& client,
                                                  const v1::AuthorizeRequest& request);

  // The request that a page was asked to decide; nullopt: there is none. An error that has expired.
  struct Pending {
    std::optional<PgFlowStore::FoundFlow> flow;
    std::optional<v1::OAuthError> refused;
  };
  absl::StatusOr<Pending> FindLogin(const Where& app, std::string_view challenge);
  absl::StatusOr<Pending> FindConsent(const Where& app, std::string_view challenge);

  // A page's answer: where to send the browser. nullopt: the flow has gone on meanwhile.
  absl::StatusOr<std::optional<std::string>> DecideLogin(const Where& app,
                                                         std::string_view challenge, v1::Flow flow,
                                                         const v1::LoginDecision& decision);
  absl::StatusOr<std::optional<std::string>> DecideConsent(const Where& app,
                                                           std::string_view challenge,
                                                           v1::Flow flow,
                                                           const v1::ConsentDecision& decision);

 private:
  // One visit.
  struct Visit {
    CallContext& context;
    const Where& app;
    const v1::Client& client;
    const v1::AuthorizeRequest& request;
    const Parameters& parameters;
    const ParsedRequest& parsed;
    bool secure;
  };
  // The request as the client made it, whatever the browser says now. The client may have changed.
  static std::optional<v1::OAuthError> ParseStored(const Visit& visit, const v1::Flow& flow,
                                                   Parameters& parameters, ParsedRequest& parsed);
  absl::StatusOr<v1::AuthorizeResponse> AskForLogin(const Visit& visit);
  absl::StatusOr<v1::AuthorizeResponse> AskForConsent(const Visit& visit,
                                                      const std::string& verifier);
  absl::StatusOr<v1::AuthorizeResponse> AnswerClient(const Visit& visit,
                                                     const std::string& verifier);
  absl::StatusOr<v1::AuthorizeResponse> Grant(const Visit& visit, const v1::Flow& flow);
  absl::StatusOr<Pending> Find(const Where& app, std::string_view challenge, Stage first,
                               std::string_view what);

  PgFlowStore& store_;
  GrantTokens& tokens_;
  TokenKeys& keys_;
  const Clock& clock_;
};

// A challenge, verifier or cookie: 256 random bits.
std::string NewFlowSecret();

}  // namespace gatehouse::oauth
