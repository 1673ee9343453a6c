#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gatehouse/oauth/v1/client.pb.h"
#include "gatehouse/oauth/v1/oauth_error.pb.h"
#include "libs/config/core_config.h"

namespace gatehouse::oauth {

using Parameters = std::map<std::string, std::string>;

// "" if there is none.
std::string ParameterOf(const Parameters& parameters, const std::string& name);

// A client's authorization request (RFC 6749, 4.1.1), as far as it could be read.
struct ParsedRequest {
  std::string redirect_uri;  // registered; empty: nobody may be sent anywhere
  std::string state;
  std::vector<std::string> response_types;
  bool by_fragment = false;  // where the answer's parameters go
  bool by_form = false;
  std::string issuer;  // told with the answer (RFC 9207) unless empty
  std::vector<std::string> scopes;
  std::vector<std::string> audience;

  bool Wants(std::string_view response_type) const;
  // Tokens come with the answer, not for a code only.
  bool only_code() const { return response_types.size() == 1 && Wants("code"); }
};

// Reads and checks a request, all but `request.issuer`; the error, to be sent to
// `request.redirect_uri` if there is one. Pure.
std::optional<v1::OAuthError> ParseAuthorizationRequest(const Parameters& parameters,
                                                        const v1::Client& client,
                                                        config::PkceRequiredFor pkce,
                                                        ParsedRequest& request);

// What has to be right when a user has granted it, and is only checked then. Pure.
std::optional<v1::OAuthError> CheckGrantedRequest(const Parameters& parameters,
                                                  const v1::Client& client,
                                                  const ParsedRequest& request,
                                                  const std::vector<std::string>& granted_scopes);

// The error unless the words of `prompt` are known ones and go together. Pure.
std::optional<v1::OAuthError> CheckPrompt(const std::vector<std::string>& prompt);

// `name=value&...`, sorted by name, escaped as in forms.
std::string EncodeForm(const std::multimap<std::string, std::string>& values);
// The client's address with the answer, and the issuer.
std::string AnswerTo(const ParsedRequest& request,
                     std::multimap<std::string, std::string> answer);
std::string ErrorTo(const ParsedRequest& request, const v1::OAuthError& error);

}  // namespace gatehouse::oauth
