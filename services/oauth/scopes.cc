#include "services/oauth/scopes.h"

#include <algorithm>
#include <set>

#include "libs/base/strings.h"
#include "services/oauth/oauth_errors.h"
#include "services/oauth/uri.h"

namespace gatehouse::oauth {
namespace {

std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

// A "*" stands for one part between dots, and for the rest at the end.
bool Admits(std::string_view registered, std::string_view scope) {
  if (registered == scope) return true;
  const auto pattern = Split(registered, '.');
  const auto parts = Split(scope, '.');
  if (pattern.size() > parts.size()) return false;
  bool wildcard = false;
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == "*") {
      if (parts[i].empty()) return false;
      wildcard = true;
    } else if (pattern[i] != parts[i]) {
      return false;
    }
  }
  return wildcard && (pattern.size() == parts.size() || pattern.back() == "*");
}

std::string_view WithoutSlash(std::string_view path) {
  while (path.ends_with('/')) path.remove_suffix(1);
  return path;
}

bool AdmitsAudience(const std::string& registered, const std::string& audience) {
  if (registered == audience) return true;
  const std::optional<Uri> allowed = ParseUriReference(registered);
  const std::optional<Uri> asked = ParseUriReference(audience);
  if (!allowed.has_value() || !asked.has_value()) return false;
  if (allowed->scheme != asked->scheme || allowed->host != asked->host ||
      allowed->port != asked->port || allowed->opaque != asked->opaque) {
    return false;
  }
  const std::string_view base = WithoutSlash(allowed->path);
  return WithoutSlash(asked->path) == base || asked->path.starts_with(StrCat(base, "/"));
}

}  // namespace

std::vector<std::string> SplitWords(std::string_view text) {
  std::vector<std::string> words;
  std::set<std::string_view> seen;
  for (const std::string_view word : Split(text, ' ')) {
    if (!word.empty() && seen.insert(word).second) words.emplace_back(word);
  }
  return words;
}

std::string JoinWords(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) {
    if (!text.empty()) text += ' ';
    text += word;
  }
  return text;
}

std::optional<v1::OAuthError> CheckScopes(const v1::Client& client,
                                          const std::vector<std::string>& scopes) {
  const std::vector<std::string> registered = SplitWords(client.scope());
  for (const std::string& scope : scopes) {
    if (std::none_of(registered.begin(), registered.end(),
                     [&](const std::string& one) { return Admits(one, scope); })) {
      return InvalidScope(
          StrCat("The OAuth 2.0 Client is not allowed to request scope '", scope, "'."));
    }
  }
  return std::nullopt;
}

std::optional<v1::OAuthError> CheckAudience(const v1::Client& client,
                                            const std::vector<std::string>& audience) {
  for (const std::string& one : audience) {
    if (std::none_of(
            client.audience().begin(), client.audience().end(),
            [&](const std::string& registered) { return AdmitsAudience(registered, one); })) {
      return InvalidRequest(StrCat("Requested audience '", one,
                                   "' has not been whitelisted by the OAuth 2.0 Client."));
    }
  }
  return std::nullopt;
}

}  // namespace gatehouse::oauth
