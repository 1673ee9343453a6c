#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "gatehouse/oauth/v1/client.pb.h"
#include "gatehouse/oauth/v1/oauth_token_service.pb.h"
#include "libs/base/call_context.h"
#include "libs/base/clock.h"
#include "libs/base/json.h"
#include "services/oauth/pg_session_store.h"
#include "services/oauth/token_keys.h"

namespace gatehouse::oauth {

// The rules of access tokens: which are issued, which are alive. Thread-safe.
class Tokens {
 public:
  // All outlive the rules.
  Tokens(PgSessionStore& store, TokenKeys& keys, const Clock& clock)
      : store_(store), keys_(keys), clock_(clock) {}

  // RFC 6749, 4.4: to an authenticated client for itself.
  absl::StatusOr<v1::IssueTokensResponse> IssueToClient(CallContext& context, const Where& app,
                                                        const v1::Client& client,
                                                        const v1::IssueTokensRequest& request);

  // The claims of an access token that is alive.
  absl::StatusOr<std::optional<json::Value>> Introspect(CallContext& context, const Where& app,
                                                        std::string_view token);
  absl::Status Revoke(CallContext& context, const Where& app, std::string_view token);

 private:
  PgSessionStore& store_;
  TokenKeys& keys_;
  const Clock& clock_;
};

}  // namespace gatehouse::oauth
