#include "services/dashboard/credential_rules.h"

#include <algorithm>

#include "libs/base/utf8.h"

namespace gatehouse::dashboard {
namespace {

constexpr size_t kMinPassword = 8;
constexpr size_t kPasswordLimit = 100;  // exclusive

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLineBreak(char c) { return c == '\n' || c == '\r'; }

}  // namespace

// `.+@(C+.)+L{2,}` with C a letter, digit or hyphen and L a letter, as an automaton: an expression
// engine would take a time that grows with the cube of the length. One bit a state.
bool IsValidEmail(std::string_view email) {
  enum State : unsigned {
    kLabelDue = 1u << 0,   // a label has to begin
    kLabel = 1u << 1,      // in a label
    kSeparated = 1u << 2,  // behind a label and its separator
    kTop = 1u << 3,        // one letter of the top level
    kWhole = 1u << 4,      // two or more
  };
  unsigned states = 0;
  bool local_part = false;
  for (const char c : email) {
    if (IsLineBreak(c)) return false;
    unsigned next = 0;
    const bool in_label = IsLetter(c) || IsDigit(c) || c == '-';
    if (in_label && (states & (kLabelDue | kLabel | kSeparated)) != 0) next |= kLabel;
    if ((states & kLabel) != 0) next |= kSeparated;
    if (IsLetter(c) && (states & kSeparated) != 0) next |= kTop;
    if (IsLetter(c) && (states & (kTop | kWhole)) != 0) next |= kWhole;
    if (c == '@' && local_part) next |= kLabelDue;
    local_part = true;
    states = next;
  }
  return (states & kWhole) != 0;
}

std::optional<std::string_view> WeaknessOf(std::string_view password) {
  const size_t length = Utf16Length(password);
  if (length < kMinPassword) {
    return "Password must contain at least 8 characters, including a number";
  }
  if (length >= kPasswordLimit) return "Password's length must be lesser than 100 characters";
  if (std::none_of(password.begin(), password.end(), IsLetter)) {
    return "Password must contain at least one alphabet";
  }
  if (std::none_of(password.begin(), password.end(), IsDigit)) {
    return "Password must contain at least one number";
  }
  return std::nullopt;
}

}  // namespace gatehouse::dashboard
