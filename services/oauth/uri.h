#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace gatehouse::oauth {

// A URI of a client, split as leniently as the original's OAuth server does: clients are registered
// with blanks in paths and schemes of their own, which strict parsers (Boost.URL) refuse.
struct Uri {
  std::string scheme;     // lower case; empty: a path only
  bool has_user = false;  // "user@" with something before the "@"
  std::string host;       // with brackets round an IPv6 address
  std::string port;       // digits, or empty
  std::string opaque;     // what follows a scheme without a slash: "urn:<opaque>"
  std::string path;       // as written
  std::string query;
  std::string fragment;
};

// nullopt: it is neither an absolute URI nor an absolute path, or has a malformed escape, host or
// port, or control characters. A "#" is part of the path or query. Pure.
std::optional<Uri> ParseRequestUri(std::string_view text);

// The same, but relative references count, and what follows "#" is the fragment.
std::optional<Uri> ParseUriReference(std::string_view text);

}  // namespace gatehouse::oauth
