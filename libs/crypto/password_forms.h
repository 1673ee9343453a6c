#pragma once

// For password.cc and the files of the individual forms only.

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/crypto/password.h"

namespace gatehouse::crypto::internal {

// Each form: whether the password matches, and the bounds check.
absl::StatusOr<PasswordMatch> MatchBcrypt(std::string_view password, std::string_view stored);
absl::StatusOr<PasswordMatch> MatchArgon2(std::string_view password, std::string_view stored);
absl::StatusOr<PasswordMatch> MatchFirebaseScrypt(std::string_view password,
                                                  std::string_view stored,
                                                  std::string_view signer_key);
absl::Status CheckBcryptCost(std::string_view hash);
absl::Status CheckArgon2Cost(std::string_view hash);
absl::Status CheckFirebaseScryptCost(std::string_view hash);

// The error of every bounds check.
absl::Status TooCostly();

inline std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

inline PasswordMatch ToMatch(bool matches) {
  return matches ? PasswordMatch::kYes : PasswordMatch::kNo;
}

inline bool IsAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// A whole text as a decimal number, after `prefix`.
template <typename Number>
std::optional<Number> ParseNumber(std::string_view text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return std::nullopt;
  text.remove_prefix(prefix.size());
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace gatehouse::crypto::internal
