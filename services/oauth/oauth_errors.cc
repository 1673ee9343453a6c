#include "services/oauth/oauth_errors.h"

#include <algorithm>
#include <string>

namespace gatehouse::oauth {
namespace {

v1::OAuthError Error(std::string_view error, int status_code, std::string_view description,
                     std::string_view hint) {
  v1::OAuthError made;
  made.set_error(std::string(error));
  made.set_status_code(status_code);
  std::string& text = *made.mutable_description();
  text = description;
  if (!hint.empty()) {
    text += ' ';
    const size_t begin = text.size();
    text += hint;
    std::replace(text.begin() + static_cast<ptrdiff_t>(begin), text.end(), '"', '\'');
  }
  return made;
}

}  // namespace

v1::OAuthError InvalidRequest(std::string_view hint) {
  return Error("invalid_request", 400,
               "The request is missing a required parameter, includes an invalid parameter value, "
               "includes a parameter more than once, or is otherwise malformed.",
               hint);
}

v1::OAuthError InvalidClient(std::string_view hint) {
  return Error("invalid_client", 401,
               "Client authentication failed (e.g., unknown client, no client authentication "
               "included, or unsupported authentication method).",
               hint);
}

v1::OAuthError InvalidGrant(std::string_view hint) {
  return Error("invalid_grant", 400,
               "The provided authorization grant (e.g., authorization code, resource owner "
               "credentials) or refresh token is invalid, expired, revoked, does not match the "
               "redirection URI used in the authorization request, or was issued to another "
               "client.",
               hint);
}

v1::OAuthError InvalidScope(std::string_view hint) {
  return Error("invalid_scope", 400, "The requested scope is invalid, unknown, or malformed.",
               hint);
}

v1::OAuthError UnauthorizedClient(std::string_view hint) {
  return Error("unauthorized_client", 400,
               "The client is not authorized to request a token using this method.", hint);
}

v1::OAuthError InvalidClientMetadata(std::string_view hint) {
  return Error("invalid_client_metadata", 400,
               "The value of one of the Client Metadata fields is invalid and the server has "
               "rejected this request. Note that an Authorization Server MAY choose to substitute "
               "a valid value for any requested parameter of a Client's Metadata.",
               hint);
}

v1::OAuthError InvalidRedirectUri(std::string_view hint) {
  return Error("invalid_redirect_uri", 400, "The value of one or more redirect_uris is invalid.",
               hint);
}

v1::OAuthError AccessDenied(std::string_view hint) {
  return Error("access_denied", 403,
               "The resource owner or authorization server denied the request.", hint);
}

v1::OAuthError InsufficientEntropy(std::string_view hint) {
  return Error("insufficient_entropy", 403,
               "The request used a security parameter (e.g., anti-replay, anti-csrf) with "
               "insufficient entropy.",
               hint);
}

v1::OAuthError InvalidState() {
  return Error("invalid_state", 400,
               "The state is missing or does not have enough characters and is therefore "
               "considered too weak.",
               "Request parameter 'state' must be at least be 8 characters long to ensure "
               "sufficient entropy.");
}

v1::OAuthError LoginRequired(std::string_view hint) {
  return Error("login_required", 400, "The Authorization Server requires End-User authentication.",
               hint);
}

v1::OAuthError ConsentRequired(std::string_view hint) {
  return Error("consent_required", 400, "The Authorization Server requires End-User consent.",
               hint);
}

v1::OAuthError RegistrationNotSupported() {
  return Error("registration_not_supported", 400,
               "The OP does not support use of the registration parameter.", {});
}

v1::OAuthError RequestForbidden(std::string_view hint) {
  return Error("request_forbidden", 403, "The request is not allowed.", hint);
}

v1::OAuthError RequestUnauthorized(std::string_view hint) {
  return Error("request_unauthorized", 401, "The request could not be authorized.", hint);
}

v1::OAuthError UnsupportedResponseMode(std::string_view hint) {
  return Error("unsupported_response_mode", 400,
               "The authorization server does not support obtaining a response using this "
               "response mode.",
               hint);
}

v1::OAuthError UnsupportedResponseType(std::string_view hint) {
  return Error("unsupported_response_type", 400,
               "The authorization server does not support obtaining a token using this method.",
               hint);
}

v1::OAuthError NotFound() {
  return Error("Not Found", 404, "Unable to locate the requested resource", {});
}

v1::OAuthError TokenInactive() {
  return Error("token_inactive", 401,
               "Token is inactive because it is malformed, expired or otherwise invalid. Token "
               "validation failed.",
               {});
}

v1::OAuthError ClientExists() {
  return Error(
      "Unable to insert or update resource because a resource with that value exists already", 409,
      {}, {});
}

}  // namespace gatehouse::oauth
