#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace gatehouse::config {

// The parts of `postgresql://[user[:password]@]host[:port][/database][?attributes]` that are
// present. Percent-encoding is undone, except in the attributes.
struct ConnectionUri {
  std::optional<std::string> scheme;
  std::optional<std::string> user;
  std::optional<std::string> password;
  std::optional<std::string> host;
  std::optional<int> port;
  std::optional<std::string> database_name;
  std::optional<std::string> attributes;
};

// nullopt when `text` is no such URI.
std::optional<ConnectionUri> ParseConnectionUri(std::string_view text);

// The value of attribute `name` in `a=1&b=2`, percent-decoded; nullopt when it is missing.
std::optional<std::string> FindAttribute(std::string_view attributes, std::string_view name);

}  // namespace gatehouse::config
