#include "libs/http/url.h"

#include <boost/url/encode.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/rfc/unreserved_chars.hpp>
#include <boost/url/src.hpp>  // used as headers only

#include "libs/base/strings.h"

namespace gatehouse::http {

std::string Url::authority() const {
  const bool is_v6 = host.find(':') != std::string::npos;
  const std::string name = is_v6 ? StrCat("[", host, "]") : host;
  return port == (encrypted ? "443" : "80") ? name : StrCat(name, ":", port);
}

absl::StatusOr<Url> ParseUrl(std::string_view text) {
  const auto url = boost::urls::parse_uri(text);
  if (!url.has_value() || (url->scheme() != "http" && url->scheme() != "https") ||
      url->host_address().empty() || url->has_userinfo() || url->has_fragment()) {
    return absl::InvalidArgumentError("a URL must be http[s]://HOST[:PORT][/PATH]");
  }
  Url result;
  result.encrypted = url->scheme() == "https";
  result.host = url->host_address();
  result.port = !url->port().empty() ? std::string(url->port()) : result.encrypted ? "443" : "80";
  result.path = std::string(url->encoded_target());
  if (result.path.empty() || result.path.front() != '/') result.path.insert(0, 1, '/');
  return result;
}

std::string EncodeUrlPart(std::string_view text) {
  return boost::urls::encode(text, boost::urls::unreserved_chars);
}

}  // namespace gatehouse::http
