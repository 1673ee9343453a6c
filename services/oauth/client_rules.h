#pragma once

#include <optional>

#include "gatehouse/oauth/v1/client.pb.h"
#include "gatehouse/oauth/v1/oauth_error.pb.h"

namespace gatehouse::oauth {

// Sets what a client has by default, brings its fields into the form that is stored, and checks
// them. The error if it must not be registered. Pure.
std::optional<v1::OAuthError> PrepareClient(v1::Client& client);

// Without a secret of its own (RFC 6749, 2.1): its token requests are not authenticated.
inline bool IsPublic(const v1::Client& client) {
  return client.token_endpoint_auth_method() == "none";
}

}  // namespace gatehouse::oauth
