#include "services/oauth/client_rules.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "libs/base/strings.h"
#include "services/oauth/oauth_errors.h"
#include "services/oauth/uri.h"

namespace gatehouse::oauth {
namespace {

constexpr std::string_view kDefaultScope = "offline_access offline openid";
constexpr size_t kMinSecretBytes = 6;

// Without the slashes at its end, as browsers send an origin.
std::optional<v1::OAuthError> PrepareOrigin(std::string& origin) {
  std::optional<Uri> uri = ParseUriReference(origin);
  if (!uri.has_value()) {
    return InvalidClientMetadata(
        StrCat("Origin URL ", origin, " from allowed_cors_origins could not be parsed"));
  }
  if (uri->scheme != "https" && uri->scheme != "http") {
    return InvalidClientMetadata(
        StrCat("Origin URL ", origin, " must use https:// or http:// as HTTP scheme."));
  }
  if (uri->has_user) {
    return InvalidClientMetadata(
        StrCat("Origin URL ", origin, " has HTTP user and/or password set which is not allowed."));
  }
  while (uri->path.ends_with('/')) uri->path.pop_back();
  if (!uri->path.empty() || !uri->query.empty() || !uri->fragment.empty()) {
    return InvalidClientMetadata(
        StrCat("Origin URL ", origin,
               " must have an empty path, query, and fragment but one of the parts is not empty."));
  }
  std::string prepared = uri->scheme + ":" + uri->opaque;
  if (!uri->host.empty()) prepared += "//" + uri->host;
  if (!uri->port.empty()) prepared += ":" + uri->port;
  origin = prepared;
  return std::nullopt;
}

// What an origin's names are compared by.
bool SameSite(const Uri& a, const Uri& b) {
  return a.scheme == b.scheme && a.host == b.host && a.port == b.port;
}

std::optional<v1::OAuthError> CheckRedirectUris(const v1::Client& client) {
  std::vector<Uri> registered;
  for (const std::string& text : client.redirect_uris()) {
    const std::optional<Uri> uri = ParseRequestUri(text);
    if (!uri.has_value()) {
      return InvalidRedirectUri(StrCat("Unable to parse redirect URL: ", text));
    }
    if (text.find('#') != std::string::npos) {
      return InvalidRedirectUri("Redirect URIs must not contain fragments (#).");
    }
    registered.push_back(*uri);
  }
  for (const std::string& text : client.post_logout_redirect_uris()) {
    const std::optional<Uri> uri = ParseRequestUri(text);
    if (!uri.has_value()) {
      return InvalidClientMetadata(StrCat("Unable to parse post_logout_redirect_uri: ", text));
    }
    if (std::none_of(registered.begin(), registered.end(),
                     [&](const Uri& one) { return SameSite(one, *uri); })) {
      return InvalidClientMetadata(
          StrCat("post_logout_redirect_uri '", text,
                 "' must match the domain, port, scheme of at least one of the registered "
                 "redirect URIs but did not'"));
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<v1::OAuthError> PrepareClient(v1::Client& client) {
  if (client.token_endpoint_auth_method().empty()) {
    client.set_token_endpoint_auth_method("client_secret_basic");
  } else if (client.token_endpoint_auth_method() == "private_key_jwt" &&
             client.jwks_uri().empty()) {
    return InvalidClientMetadata(
        "When token_endpoint_auth_method is 'private_key_jwt', either jwks or jwks_uri must be "
        "set.");
  }
  if (!client.client_secret().empty() && client.client_secret().size() < kMinSecretBytes) {
    return InvalidClientMetadata(
        "Field client_secret must contain a secret that is at least 6 characters long.");
  }
  if (client.scope().empty()) client.set_scope(std::string(kDefaultScope));
  if (client.metadata().empty()) client.set_metadata("{}");
  for (std::string& origin : *client.mutable_allowed_cors_origins()) {
    if (auto refused = PrepareOrigin(origin)) return refused;
  }
  if (!client.sector_identifier_uri().empty()) return InvalidClientMetadata();
  if (client.userinfo_signed_response_alg().empty()) {
    client.set_userinfo_signed_response_alg("none");
  } else if (client.userinfo_signed_response_alg() != "none" &&
             client.userinfo_signed_response_alg() != "RS256") {
    return InvalidClientMetadata(
        "Field userinfo_signed_response_alg can either be 'none' or 'RS256'.");
  }
  if (!client.subject_type().empty() && client.subject_type() != "public") {
    return InvalidClientMetadata(StrCat("Subject type ", client.subject_type(),
                                        " is not supported by server, only [public] are allowed."));
  }
  client.clear_subject_type();
  return CheckRedirectUris(client);
}

}  // namespace gatehouse::oauth
