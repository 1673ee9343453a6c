#include "services/oauth/client_authentication.h"

#include <algorithm>

#include "libs/base/strings.h"
#include "services/oauth/client_rules.h"
#include "services/oauth/client_secrets.h"
#include "services/oauth/oauth_errors.h"

namespace gatehouse::oauth {
namespace {

v1::OAuthError WrongMethod(const v1::Client& client, std::string_view used) {
  return InvalidClient(StrCat("The OAuth 2.0 Client supports client authentication method '",
                              client.token_endpoint_auth_method(), "', but method '", used,
                              "' was requested. You must configure the OAuth 2.0 client's "
                              "'token_endpoint_auth_method' value to accept '",
                              used, "'."));
}

}  // namespace

const std::string& ClaimedClientId(const v1::ClientAuthentication& authentication) {
  return authentication.has_header() ? authentication.header().client_id()
                                     : authentication.body().client_id();
}

std::optional<v1::OAuthError> AuthenticateClient(const v1::ClientAuthentication& authentication,
                                                 const v1::Client& client) {
  const std::string& method = client.token_endpoint_auth_method();
  const v1::ClientAuthentication::Credentials& body = authentication.body();
  const v1::ClientAuthentication::Credentials& header = authentication.header();
  if (!body.client_id().empty() && !body.client_secret().empty() &&
      method != "client_secret_post") {
    return WrongMethod(client, "client_secret_post");
  }
  if (!header.client_secret().empty() && method != "client_secret_basic") {
    return WrongMethod(client, "client_secret_basic");
  }
  if (IsPublic(client)) return std::nullopt;
  const std::string& given =
      authentication.has_header() ? header.client_secret() : body.client_secret();
  // Any other method has nothing to be checked by.
  const bool by_secret = method == "client_secret_post" || method == "client_secret_basic";
  if (!by_secret || client.client_secret().empty() ||
      !IsClientSecret(given, client.client_secret())) {
    return InvalidClient();
  }
  return std::nullopt;
}

std::optional<v1::OAuthError> CheckGrantType(const v1::Client& client, const std::string& grant) {
  const auto& grants = client.grant_types();
  const bool allowed = grants.empty()
                           ? grant == "authorization_code"
                           : std::find(grants.begin(), grants.end(), grant) != grants.end();
  if (allowed) return std::nullopt;
  return UnauthorizedClient(
      StrCat("The OAuth 2.0 Client is not allowed to use authorization grant '", grant, "'."));
}

}  // namespace gatehouse::oauth
