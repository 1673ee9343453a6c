#include "services/oauth/authorization_request.h"

#include <algorithm>
#include <array>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "libs/base/strings.h"
#include "services/oauth/client_authentication.h"
#include "services/oauth/client_rules.h"
#include "services/oauth/oauth_errors.h"
#include "services/oauth/scopes.h"
#include "services/oauth/uri.h"

namespace gatehouse::oauth {
namespace {

// Of state and nonce: what can be guessed protects nobody.
constexpr size_t kMinEntropyBytes = 8;
constexpr std::array<std::string_view, 4> kPrompts = {"login", "none", "consent", "registration"};

// The words in their order, also repeated ones.
std::vector<std::string> Words(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const size_t end = text.find(' ');
    if (end != 0) words.emplace_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return words;
}

std::vector<std::string> Sorted(std::vector<std::string> words) {
  for (std::string& word : words) word = absl::AsciiStrToLower(word);
  std::sort(words.begin(), words.end());
  return words;
}

bool IsLoopback(const Uri& uri) {
  return uri.scheme == "http" && (uri.host == "127.0.0.1" || uri.host == "[::1]");
}

// RFC 8252, 7.3: a native application gets any port.
bool SameButForThePort(const std::string& registered, const std::string& given) {
  const std::optional<Uri> a = ParseRequestUri(registered);
  const std::optional<Uri> b = ParseRequestUri(given);
  return a.has_value() && b.has_value() && IsLoopback(*a) && IsLoopback(*b) && a->host == b->host &&
         a->path == b->path && a->query == b->query && !b->has_user;
}

std::optional<std::string> RedirectUriOf(const std::string& given, const v1::Client& client) {
  const auto& registered = client.redirect_uris();
  if (given.empty()) {
    if (registered.size() != 1) return std::nullopt;
    return registered[0];
  }
  const bool known = std::any_of(registered.begin(), registered.end(), [&](const std::string& one) {
    return one == given || SameButForThePort(one, given);
  });
  if (!known) return std::nullopt;
  return given;
}

bool MayAskFor(const v1::Client& client, const std::vector<std::string>& response_types) {
  const std::vector<std::string> wanted = Sorted(response_types);
  if (client.response_types().empty()) return wanted == std::vector<std::string>{"code"};
  return std::any_of(
      client.response_types().begin(), client.response_types().end(),
      [&](const std::string& registered) { return Sorted(Words(registered)) == wanted; });
}

bool MustHaveChallenge(const v1::Client& client, config::PkceRequiredFor pkce) {
  return pkce == config::PkceRequiredFor::kAllClients ||
         (pkce == config::PkceRequiredFor::kPublicClients && IsPublic(client));
}

std::optional<v1::OAuthError> CheckPkce(const Parameters& parameters) {
  if (ParameterOf(parameters, "code_challenge").empty()) return std::nullopt;
  const std::string method = ParameterOf(parameters, "code_challenge_method");
  if (method == "S256") return std::nullopt;
  if (method.empty() || method == "plain") {
    return InvalidRequest("Clients must use code_challenge_method=S256, plain is not allowed.");
  }
  return InvalidRequest("The code_challenge_method is not supported, use S256 instead.");
}

std::optional<v1::OAuthError> CheckNonce(const Parameters& parameters, bool hybrid) {
  const std::string nonce = ParameterOf(parameters, "nonce");
  if (nonce.empty()) {
    return InvalidRequest(hybrid ? "Parameter 'nonce' must be set when requesting an ID Token "
                                   "using the OpenID Connect Hybrid Flow."
                                 : "Parameter 'nonce' must be set when using the OpenID Connect "
                                   "Implicit Flow.");
  }
  if (nonce.size() < kMinEntropyBytes) {
    return InsufficientEntropy(
        "Parameter 'nonce' is set but does not satisfy the minimum entropy of 8 characters.");
  }
  return std::nullopt;
}

bool MayUse(const v1::Client& client, const std::string& grant) {
  return !CheckGrantType(client, grant).has_value();
}

std::string Escape(std::string_view text) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (absl::ascii_isalnum(c) || c == '-' || c == '_' || c == '.' || c == '~') {
      out += c;
    } else if (c == ' ') {
      out += '+';
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += kDigits[byte >> 4];
      out += kDigits[byte & 15];
    }
  }
  return out;
}

std::string Unescape(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && absl::ascii_isxdigit(text[i + 1]) &&
        absl::ascii_isxdigit(text[i + 2])) {
      out += absl::HexStringToBytes(absl::string_view(text.data() + i + 1, 2));
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

}  // namespace

std::string ParameterOf(const Parameters& parameters, const std::string& name) {
  const auto it = parameters.find(name);
  return it == parameters.end() ? std::string() : it->second;
}

bool ParsedRequest::Wants(std::string_view response_type) const {
  return std::find(response_types.begin(), response_types.end(), response_type) !=
         response_types.end();
}

std::optional<v1::OAuthError> ParseAuthorizationRequest(const Parameters& parameters,
                                                        const v1::Client& client,
                                                        config::PkceRequiredFor pkce,
                                                        ParsedRequest& request) {
  const auto get = [&](const char* name) { return ParameterOf(parameters, name); };
  request.state = get("state");
  const std::string mode = get("response_mode");
  if (mode != "" && mode != "query" && mode != "fragment" && mode != "form_post") {
    return UnsupportedResponseMode(StrCat("Request with unsupported response_mode '", mode, "'."));
  }
  if (!get("request").empty() || !get("request_uri").empty()) {
    return InvalidRequest(
        "OpenID Connect 'request' or 'request_uri' context was given, but the OAuth 2.0 Client "
        "does not have any JSON Web Keys registered.");
  }
  const std::optional<std::string> redirect_uri = RedirectUriOf(get("redirect_uri"), client);
  if (!redirect_uri.has_value()) {
    return InvalidRequest(
        "The 'redirect_uri' parameter does not match any of the OAuth 2.0 Client's pre-registered "
        "redirect urls.");
  }
  request.redirect_uri = *redirect_uri;
  request.by_fragment = mode == "fragment";
  request.by_form = mode == "form_post";
  request.scopes = SplitWords(get("scope"));
  if (auto refused = CheckScopes(client, request.scopes)) return refused;
  request.audience = SplitWords(get("audience"));
  if (auto refused = CheckAudience(client, request.audience)) return refused;
  if (!get("registration").empty()) return RegistrationNotSupported();
  const std::string response_type = get("response_type");
  request.response_types = Words(response_type);
  if (request.response_types.empty()) {
    return UnsupportedResponseType("`The request is missing the 'response_type' parameter.");
  }
  if (!MayAskFor(client, request.response_types)) {
    return UnsupportedResponseType(
        StrCat("The client is not allowed to request response_type '", response_type, "'."));
  }
  if (mode.empty()) request.by_fragment = !request.only_code();
  if (request.state.size() < kMinEntropyBytes) return InvalidState();
  if (MustHaveChallenge(client, pkce) && request.Wants("code") && get("code_challenge").empty()) {
    return InvalidRequest(
        "This client must include a code_challenge when performing the authorize code flow, but it "
        "is missing.");
  }
  return std::nullopt;
}

std::optional<v1::OAuthError> CheckGrantedRequest(const Parameters& parameters,
                                                  const v1::Client& client,
                                                  const ParsedRequest& request,
                                                  const std::vector<std::string>& granted_scopes) {
  const bool code = request.Wants("code");
  const bool token = request.Wants("token");
  const bool id_token = request.Wants("id_token");
  if (static_cast<size_t>(code) + token + id_token != request.response_types.size()) {
    return UnsupportedResponseType();
  }
  if (!request.only_code() && !request.by_fragment) {
    std::string types;
    for (const std::string& type : request.response_types) {
      types += (types.empty() ? "" : " ") + type;
    }
    return UnsupportedResponseMode(StrCat("Insecure response_mode '",
                                          request.by_form ? "form_post" : "query",
                                          "' for the response_type '[", types, "]'."));
  }
  if (code) {
    if (auto refused = CheckPkce(parameters)) return refused;
  }
  const bool openid =
      std::find(granted_scopes.begin(), granted_scopes.end(), "openid") != granted_scopes.end();
  const bool hybrid = code && !request.only_code();
  // Without the scope a code comes alone.
  if (id_token && !openid && !code) return UnsupportedResponseType();
  const bool must_have_nonce = id_token && openid;
  if (must_have_nonce || (hybrid && !ParameterOf(parameters, "nonce").empty())) {
    if (auto refused = CheckNonce(parameters, code)) return refused;
  }
  if (hybrid && !MayUse(client, "authorization_code")) {
    return InvalidGrant(
        "The OAuth 2.0 Client is not allowed to use authorization grant 'authorization_code'.");
  }
  if (token && !code && !MayUse(client, "implicit")) {
    return InvalidGrant(
        "The OAuth 2.0 Client is not allowed to use the authorization grant 'implicit'.");
  }
  return std::nullopt;
}

std::optional<v1::OAuthError> CheckPrompt(const std::vector<std::string>& prompt) {
  for (const std::string& word : prompt) {
    if (std::find(kPrompts.begin(), kPrompts.end(), word) == kPrompts.end()) {
      return InvalidRequest(
          StrCat("Used unknown value '[", JoinWords(prompt), "]' for prompt parameter"));
    }
  }
  if (prompt.size() > 1 && std::find(prompt.begin(), prompt.end(), "none") != prompt.end()) {
    return InvalidRequest(
        "Parameter 'prompt' was set to 'none', but contains other values as well which is not "
        "allowed.");
  }
  return std::nullopt;
}

std::string EncodeForm(const std::multimap<std::string, std::string>& values) {
  std::string text;
  for (const auto& [name, value] : values) {
    if (!text.empty()) text += '&';
    text += StrCat(Escape(name), "=", Escape(value));
  }
  return text;
}

std::string AnswerTo(const ParsedRequest& request,
                     std::multimap<std::string, std::string> answer) {
  const std::string& uri = request.redirect_uri;
  if (!request.issuer.empty()) answer.emplace("iss", request.issuer);
  if (request.by_fragment) return StrCat(uri, "#", EncodeForm(answer));
  std::multimap<std::string, std::string> values = std::move(answer);
  const size_t mark = uri.find('?');
  if (mark != std::string::npos) {
    std::string_view query = std::string_view(uri).substr(mark + 1);
    while (!query.empty()) {
      const size_t end = std::min(query.find('&'), query.size());
      const std::string_view item = query.substr(0, end);
      const size_t equals = std::min(item.find('='), item.size());
      if (!item.empty()) {
        values.emplace(Unescape(item.substr(0, equals)),
                       Unescape(item.substr(std::min(equals + 1, item.size()))));
      }
      query.remove_prefix(std::min(end + 1, query.size()));
    }
  }
  // The original's addresses end like this.
  return StrCat(uri.substr(0, mark), "?", EncodeForm(values), "&");
}

std::string ErrorTo(const ParsedRequest& request, const v1::OAuthError& error) {
  return AnswerTo(request, {{"error", error.error()},
                            {"error_description", error.description()},
                            {"state", request.state}});
}

}  // namespace gatehouse::oauth
