#include "libs/config/ip_rules.h"

#include <arpa/inet.h>
#include <re2/re2.h>

#include <array>
#include <cstring>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace gatehouse::config {
namespace {

// Longer than any list of networks that someone would write by hand.
constexpr size_t kMaxExpressionBytes = 16 * 1024;
// Memory limit of one compiled expression: thousands of tenants can have one each.
constexpr int64_t kMaxMemoryBytes = 1 << 20;

absl::StatusOr<std::unique_ptr<re2::RE2>> Compile(const std::optional<std::string>& text,
                                                  absl::string_view key) {
  if (!text.has_value()) return nullptr;
  const absl::string_view trimmed = absl::StripAsciiWhitespace(*text);
  if (trimmed.empty()) return nullptr;
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kMaxMemoryBytes);
  std::unique_ptr<re2::RE2> expression;
  if (trimmed.size() <= kMaxExpressionBytes) {
    expression = std::make_unique<re2::RE2>(re2::StringPiece(trimmed.data(), trimmed.size()),
                                            options);
  }
  if (expression == nullptr || !expression->ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("Provided regular expression is invalid for ", key, " config"));
  }
  return expression;
}

// The spellings of an address that a rule may rely on.
struct Spellings {
  std::string canonical;
  std::string original;  // empty: the same
};

// Eight numbers, as Java writes an IPv6 address.
std::string Uncompressed(const in6_addr& address) {
  std::string text;
  for (int i = 0; i < 16; i += 2) {
    absl::StrAppend(&text, i == 0 ? "" : ":",
                    absl::Hex((address.s6_addr[i] << 8) | address.s6_addr[i + 1]));
  }
  return text;
}

Spellings SpellingsOf(std::string_view text) {
  // A link-local address may carry the name of an interface.
  const std::string address(text.substr(0, text.find('%')));
  in6_addr v6;
  if (inet_pton(AF_INET6, address.c_str(), &v6) != 1) return {std::string(text), ""};
  std::array<char, INET6_ADDRSTRLEN> buffer;
  if (IN6_IS_ADDR_V4MAPPED(&v6)) {
    in_addr v4;
    std::memcpy(&v4, v6.s6_addr + 12, sizeof(v4));
    return {inet_ntop(AF_INET, &v4, buffer.data(), buffer.size()), ""};
  }
  return {inet_ntop(AF_INET6, &v6, buffer.data(), buffer.size()), Uncompressed(v6)};
}

bool Matches(const re2::RE2& expression, const Spellings& address) {
  return re2::RE2::FullMatch(address.canonical, expression) ||
         (!address.original.empty() && re2::RE2::FullMatch(address.original, expression));
}

}  // namespace

struct IpRules::Expressions {
  std::unique_ptr<re2::RE2> allow;
  std::unique_ptr<re2::RE2> deny;
};

IpRules::IpRules() : expressions_(std::make_unique<Expressions>()) {}
IpRules::~IpRules() = default;

absl::StatusOr<std::shared_ptr<const IpRules>> IpRules::Create(
    const std::optional<std::string>& allow, const std::optional<std::string>& deny) {
  auto rules = std::make_shared<IpRules>();
  auto allow_expression = Compile(allow, "ip_allow_regex");
  if (!allow_expression.ok()) return allow_expression.status();
  auto deny_expression = Compile(deny, "ip_deny_regex");
  if (!deny_expression.ok()) return deny_expression.status();
  rules->expressions_->allow = *std::move(allow_expression);
  rules->expressions_->deny = *std::move(deny_expression);
  return std::shared_ptr<const IpRules>(std::move(rules));
}

bool IpRules::Allows(std::string_view text) const {
  if (empty()) return true;
  const Expressions& expressions = *expressions_;
  const Spellings address = SpellingsOf(text);
  if (expressions.deny != nullptr && Matches(*expressions.deny, address)) return false;
  return expressions.allow == nullptr || Matches(*expressions.allow, address);
}

bool IpRules::empty() const {
  return expressions_->allow == nullptr && expressions_->deny == nullptr;
}

}  // namespace gatehouse::config
