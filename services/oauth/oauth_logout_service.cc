#include "services/oauth/oauth_logout_service.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "libs/base/json.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/base/utf8.h"
#include "libs/crypto/bytes.h"
#include "services/oauth/authorization_request.h"
#include "services/oauth/oauth_errors.h"
#include "services/oauth/token_claims.h"

namespace gatehouse::oauth {
namespace {

absl::StatusOr<v1::RequestLogoutResponse> Refuse(v1::OAuthError error) {
  v1::RequestLogoutResponse response;
  *response.mutable_refused() = std::move(error);
  return response;
}

// An error with this text alone, as the original tells what it finds itself.
v1::OAuthError InvalidLogout(const char* text) {
  v1::OAuthError error = InvalidRequest();
  error.set_description(text);
  return error;
}

// An error without a word, as the original has it for clients without logout URIs.
v1::OAuthError Nothing() {
  v1::OAuthError error;
  error.set_status_code(400);
  return error;
}

// The length of the column for the state.
constexpr size_t kMaxState = 128;

std::string WithState(const std::string& uri, const std::optional<std::string>& state) {
  if (!state.has_value()) return uri;
  return StrCat(uri, uri.find('?') == std::string::npos ? "?" : "&",
                EncodeForm({{"state", *state}}));
}

}  // namespace

absl::StatusOr<v1::RequestLogoutResponse> OAuthLogoutServiceImpl::RequestLogout(
    rpc::CallContext& context, const v1::RequestLogoutRequest& request) {
  ASSIGN_OR_RETURN(tenancy::TenantPtr app, directory_.FindApp(request.scope(), context.deadline));
  const Where where = {app, context.deadline};
  PgLogoutStore::Logout logout = {.client_id = request.client_id()};
  if (request.has_id_token_hint()) {
    // One that has expired is good enough (RP-Initiated Logout, 4).
    ASSIGN_OR_RETURN(const std::optional<json::Value> claims,
                     keys_.Verify(context, *app, request.id_token_hint()));
    const json::Value* kind = claims.has_value() ? claims->Find("stt") : nullptr;
    if (kind == nullptr || kind->AsInt64() != 2) return Refuse(InvalidRequest());
    const std::string client_id(claims->FindString("aud").value_or(""));
    if (request.has_client_id() && request.client_id() != client_id) {
      return Refuse(InvalidLogout(
          "The client_id in the id_token_hint does not match the client_id in the request."));
    }
    logout.client_id = client_id;
    logout.session_handle = SessionHandleOf(*claims, "sid");
  } else if (request.has_post_logout_redirect_uri()) {
    return Refuse(InvalidRequest(
        "Logout failed because query parameter postLogoutRedirectionUri is set but idTokenHint is "
        "missing."));
  } else if (request.has_state()) {
    return Refuse(InvalidRequest(
        "Logout failed because query parameter state is set but idTokenHint is missing."));
  } else if (!request.has_client_id()) {
    return Refuse(InvalidRequest("Neither clientId nor idTokenHint is set."));
  }
  ASSIGN_OR_RETURN(const std::optional<v1::Client> client, clients_.Find(where, logout.client_id));
  v1::RequestLogoutResponse response;
  if (!client.has_value()) {
    response.set_client_not_found(true);
    return response;
  }
  if (request.has_post_logout_redirect_uri()) {
    const auto& registered = client->post_logout_redirect_uris();
    if (registered.empty()) return Refuse(Nothing());
    if (std::find(registered.begin(), registered.end(), request.post_logout_redirect_uri()) ==
        registered.end()) {
      return Refuse(InvalidLogout("The post_logout_redirect_uri is not valid for this client."));
    }
    logout.post_logout_redirect_uri = request.post_logout_redirect_uri();
  }
  if (request.has_state()) {
    if (CountCharacters(request.state()) > kMaxState) {
      return Refuse(InvalidLogout("The state has more than 128 characters."));
    }
    logout.state = request.state();
  }
  const std::string challenge = crypto::NewUuid4();
  ASSIGN_OR_RETURN(const bool added, logouts_.Add(where, challenge, logout, clock_.NowMs()));
  if (added) {
    response.set_challenge(challenge);
  } else {
    response.set_client_not_found(true);
  }
  return response;
}

absl::StatusOr<v1::AcceptLogoutResponse> OAuthLogoutServiceImpl::AcceptLogout(
    rpc::CallContext& context, const v1::AcceptLogoutRequest& request) {
  ASSIGN_OR_RETURN(tenancy::TenantPtr app, directory_.FindApp(request.scope(), context.deadline));
  const Where where = {app, context.deadline};
  ASSIGN_OR_RETURN(const std::optional<PgLogoutStore::Logout> logout,
                   logouts_.Find(where, request.challenge()));
  v1::AcceptLogoutResponse response;
  if (!logout.has_value()) {
    *response.mutable_refused() = InvalidLogout("Logout request not found");
    return response;
  }
  if (logout->session_handle.has_value()) {
    RETURN_IF_ERROR(sessions_.RevokeSession(where, *logout->session_handle));
  }
  response.set_redirect_to(logout->post_logout_redirect_uri.has_value()
                               ? WithState(*logout->post_logout_redirect_uri, logout->state)
                               : "{apiDomain}/fallbacks/logout/callback");
  return response;
}

absl::StatusOr<v1::RejectLogoutResponse> OAuthLogoutServiceImpl::RejectLogout(
    rpc::CallContext& context, const v1::RejectLogoutRequest& request) {
  ASSIGN_OR_RETURN(tenancy::TenantPtr app, directory_.FindApp(request.scope(), context.deadline));
  RETURN_IF_ERROR(logouts_.Delete({app, context.deadline}, request.challenge()));
  return v1::RejectLogoutResponse();
}

}  // namespace gatehouse::oauth
