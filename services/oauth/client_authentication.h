#pragma once

#include <optional>
#include <string>

#include "gatehouse/oauth/v1/client.pb.h"
#include "gatehouse/oauth/v1/oauth_error.pb.h"
#include "gatehouse/oauth/v1/oauth_token_service.pb.h"

namespace gatehouse::oauth {

// Whom the request says that it comes from: the header counts before the body.
const std::string& ClaimedClientId(const v1::ClientAuthentication& authentication);

// The error unless the request comes from `client`, by the method that it is registered with. A
// public client is only named. Secrets are compared in constant time. Pure.
std::optional<v1::OAuthError> AuthenticateClient(const v1::ClientAuthentication& authentication,
                                                 const v1::Client& client);

// The error unless the client is registered for the grant; without any it is for
// authorization_code.
std::optional<v1::OAuthError> CheckGrantType(const v1::Client& client, const std::string& grant);

}  // namespace gatehouse::oauth
