#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace gatehouse::dashboard {

// What the dashboard asks of emails and passwords of its own users: the original's rules.

// At least one character, an `@`, and what may be a domain with a top level of two letters or more.
// The original's pattern takes any character where a dot belongs, and so does this: emails that it
// let in can be entered again.
bool IsValidEmail(std::string_view email);

// The rule that the password breaks, for people; nullopt: none. The length counts UTF-16 units.
std::optional<std::string_view> WeaknessOf(std::string_view password);

}  // namespace gatehouse::dashboard
