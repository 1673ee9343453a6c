#include "libs/config/ip_rules.h"

#include <re2/re2.h>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace gatehouse::config {
namespace {

// Longer than any list of networks that someone would write by hand.
constexpr size_t kMaxExpressionBytes = 16 * 1024;
// What one compiled expression may take: thousands of tenants can have one each.
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

bool Matches(const re2::RE2& expression, std::string_view address) {
  return re2::RE2::FullMatch(re2::StringPiece(address.data(), address.size()), expression);
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

bool IpRules::Allows(std::string_view address) const {
  const Expressions& expressions = *expressions_;
  if (expressions.deny != nullptr && Matches(*expressions.deny, address)) return false;
  return expressions.allow == nullptr || Matches(*expressions.allow, address);
}

bool IpRules::empty() const {
  return expressions_->allow == nullptr && expressions_->deny == nullptr;
}

}  // namespace gatehouse::config
