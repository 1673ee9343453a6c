#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace gatehouse::http {

// Where a URL leads to. No user or fragment.
struct Url {
  bool encrypted = false;  // https
  std::string host;        // a name or an address, without brackets
  std::string port;
  std::string path;  // with the query; begins with a slash

  // As the Host header has it.
  std::string authority() const;
};

// InvalidArgument for anything but http://HOST[:PORT][/PATH] and the same with https, without a
// user.
absl::StatusOr<Url> ParseUrl(std::string_view text);

// Escapes all but the unreserved characters (RFC 3986), for one segment of a path or one value of a
// query.
std::string EncodeUrlPart(std::string_view text);

}  // namespace gatehouse::http
