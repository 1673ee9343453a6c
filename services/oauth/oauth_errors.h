#pragma once

#include <string_view>

#include "gatehouse/oauth/v1/oauth_error.pb.h"

namespace gatehouse::oauth {

// The errors of OAuth 2 (RFC 6749, RFC 7591, OpenID Connect), in the words of the server that the
// original works with: clients compare them. `hint` says what exactly is wrong; its double quotes
// become single ones. Thread-safe.
v1::OAuthError InvalidRequest(std::string_view hint = {});
v1::OAuthError InvalidClient(std::string_view hint = {});
v1::OAuthError InvalidGrant(std::string_view hint = {});
v1::OAuthError InvalidScope(std::string_view hint = {});
v1::OAuthError UnauthorizedClient(std::string_view hint = {});
v1::OAuthError InvalidClientMetadata(std::string_view hint = {});
v1::OAuthError InvalidRedirectUri(std::string_view hint = {});
v1::OAuthError AccessDenied(std::string_view hint = {});
v1::OAuthError InsufficientEntropy(std::string_view hint = {});
v1::OAuthError InvalidState();
v1::OAuthError LoginRequired(std::string_view hint = {});
v1::OAuthError ConsentRequired(std::string_view hint = {});
v1::OAuthError RegistrationNotSupported();
v1::OAuthError RequestForbidden(std::string_view hint = {});
v1::OAuthError RequestUnauthorized(std::string_view hint = {});
v1::OAuthError UnsupportedResponseMode(std::string_view hint = {});
v1::OAuthError UnsupportedResponseType(std::string_view hint = {});
v1::OAuthError NotFound();
v1::OAuthError TokenInactive();
v1::OAuthError ClientExists();

}  // namespace gatehouse::oauth
