#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gatehouse/oauth/v1/client.pb.h"
#include "gatehouse/oauth/v1/oauth_error.pb.h"

namespace gatehouse::oauth {

// The words of a parameter that are separated by blanks, each once, in their order.
std::vector<std::string> SplitWords(std::string_view text);
std::string JoinWords(const std::vector<std::string>& words);

// The error for the first scope that the client is not registered with. "foo.*" stands for
// "foo.bar". Pure.
std::optional<v1::OAuthError> CheckScopes(const v1::Client& client,
                                          const std::vector<std::string>& scopes);
// The error for the first audience that none of the client's admits: it must be the same, or a URL
// at or below it. Pure.
std::optional<v1::OAuthError> CheckAudience(const v1::Client& client,
                                            const std::vector<std::string>& audience);

}  // namespace gatehouse::oauth
