#include "gateway/pipeline/client_address.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "libs/base/ip_address.h"
#include "libs/base/status.h"

namespace gatehouse::gateway {
namespace {

std::string_view Trimmed(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

// "10.0.0.1", "10.0.0.1:80", "::1", "[::1]" or "[::1]:80"; a port is ignored.
std::optional<IpAddress> ParseNode(std::string_view text) {
  if (text.starts_with('[')) {
    const size_t end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    return IpAddress::Parse(text.substr(1, end - 1));
  }
  if (std::count(text.begin(), text.end(), ':') == 1) text = text.substr(0, text.find(':'));
  return IpAddress::Parse(text);
}

// All fields of a name as one list (RFC 9110 5.3); nullopt when there is none.
std::optional<std::string> Joined(const http::Headers& headers, std::string_view name) {
  std::optional<std::string> joined;
  for (size_t i = 0; i < headers.size(); ++i) {
    const auto [field, value] = headers.at(i);
    if (!http::EqualsIgnoreCase(field, name)) continue;
    if (joined.has_value()) {
      joined->append(", ").append(value);
    } else {
      joined.emplace(value);
    }
  }
  return joined;
}

std::vector<std::string> NodesOfList(std::string_view list) {
  std::vector<std::string> nodes;
  while (!list.empty()) {
    const size_t end = std::min(list.find(','), list.size());
    const std::string_view node = Trimmed(list.substr(0, end));
    if (!node.empty()) nodes.emplace_back(node);
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return nodes;
}

// Reads `Forwarded: for=192.0.2.60;proto=http, for="[2001:db8::1]:4711"`.
class ForwardedReader {
 public:
  explicit ForwardedReader(std::string_view text) : rest_(text) {}

  // The `for` of each element in order, "" where it has none; nullopt when it can't be read.
  std::optional<std::vector<std::string>> Read() {
    std::vector<std::string> nodes;
    std::string node;
    bool has_pair = false;
    while (true) {
      SkipBlanks();
      if (!rest_.empty() && rest_.front() != ',' && rest_.front() != ';') {
        if (!ReadPair(node)) return std::nullopt;
        has_pair = true;
        SkipBlanks();
      }
      if (rest_.empty() || rest_.front() == ',') {
        if (has_pair) nodes.push_back(std::move(node));
        node.clear();
        has_pair = false;
      } else if (rest_.front() != ';') {
        return std::nullopt;
      }
      if (rest_.empty()) return nodes;
      rest_.remove_prefix(1);
    }
  }

 private:
  void SkipBlanks() {
    while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\t')) {
      rest_.remove_prefix(1);
    }
  }

  bool ReadPair(std::string& node) {
    const size_t equals = rest_.find('=');
    if (equals == std::string_view::npos) return false;
    const std::string_view name = rest_.substr(0, equals);
    if (name.empty() || name.find_first_of(" \t,;\"") != std::string_view::npos) return false;
    rest_.remove_prefix(equals + 1);
    std::string value;
    if (!ReadValue(value)) return false;
    if (!http::EqualsIgnoreCase(name, "for")) return true;
    if (!node.empty()) return false;  // given twice
    node = std::move(value);
    return true;
  }

  bool ReadValue(std::string& value) {
    if (!rest_.starts_with('"')) {
      const size_t end = std::min(rest_.find_first_of(" \t,;\""), rest_.size());
      value = rest_.substr(0, end);
      rest_.remove_prefix(end);
      return !value.empty();
    }
    for (rest_.remove_prefix(1); !rest_.empty(); rest_.remove_prefix(1)) {
      if (rest_.front() == '"') {
        rest_.remove_prefix(1);
        return true;
      }
      if (rest_.front() == '\\') {
        rest_.remove_prefix(1);
        if (rest_.empty()) return false;
      }
      value += rest_.front();
    }
    return false;
  }

  std::string_view rest_;
};

std::string FirstUntrusted(const std::vector<std::string>& nodes, std::string_view peer,
                           const config::Networks& trusted) {
  std::string farthest(peer);
  for (auto node = nodes.rbegin(); node != nodes.rend(); ++node) {
    const std::optional<IpAddress> address = ParseNode(*node);
    if (!address.has_value()) return "";
    farthest = address->ToString();
    if (!trusted.Contains(*address)) break;
  }
  return farthest;
}

}  // namespace

absl::StatusOr<std::string> ClientAddress(const http::Headers& headers, std::string_view peer,
                                          const config::Networks& trusted) {
  if (trusted.empty()) return std::string(peer);
  const std::optional<IpAddress> address = IpAddress::Parse(peer);
  if (!address.has_value() || !trusted.Contains(*address)) return std::string(peer);
  std::optional<std::string> client;
  if (const auto list = Joined(headers, "X-Forwarded-For")) {
    client = FirstUntrusted(NodesOfList(*list), peer, trusted);
  }
  if (const auto list = Joined(headers, "Forwarded")) {
    const auto nodes = ForwardedReader(*list).Read();
    if (!nodes.has_value()) return BadInput("Bad header: Forwarded");
    const std::string named = FirstUntrusted(*nodes, peer, trusted);
    if (client.has_value() && *client != named) {
      return BadInput("The headers Forwarded and X-Forwarded-For name different clients");
    }
    client = named;
  }
  return client.value_or(std::string(peer));
}

}  // namespace gatehouse::gateway
