#include "libs/base/problem.h"

#include <array>
#include <charconv>
#include <sstream>

#include "absl/strings/cord.h"

namespace gatehouse {
namespace {

// Key of the status payload: lines of the problem's number, then keys and values in turn.
constexpr char kPayload[] = "gatehouse/problem";

constexpr std::array<std::string_view, 19> kNames = {
    "UNSPECIFIED",   "TOO_LONG",           "TOO_MANY",        "EMPTY",
    "MISSING",       "MALFORMED",          "OUT_OF_RANGE",    "RESERVED",
    "UNSUPPORTED",   "USER_UNKNOWN",       "USER_ID_IN_USE",  "LOGIN_METHOD_DISABLED",
    "CONTRADICTION", "CORE_CONFIG",        "PROVIDER_CONFIG", "STILL_IN_USE",
    "NOT_PERMITTED", "DIFFERENT_DATABASES", "TOO_OFTEN"};

std::string PayloadOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kPayload);
  return payload.has_value() ? std::string(*payload) : std::string();
}

}  // namespace

std::string_view ProblemName(Problem problem) {
  const auto number = static_cast<size_t>(problem);
  return number < kNames.size() ? kNames[number] : kNames[0];
}

absl::Status WithProblem(absl::Status status, Problem problem, const ProblemMetadata& metadata) {
  std::string payload = std::to_string(static_cast<int>(problem)) + "\n";
  for (const auto& [key, value] : metadata) payload += key + "\n" + value + "\n";
  status.SetPayload(kPayload, absl::Cord(payload));
  return status;
}

Problem ProblemOf(const absl::Status& status) {
  const std::string payload = PayloadOf(status);
  size_t number = 0;
  std::from_chars(payload.data(), payload.data() + payload.size(), number);
  // A newer process may know more problems than this one.
  return number < kNames.size() ? static_cast<Problem>(number) : Problem::kUnspecified;
}

ProblemMetadata MetadataOf(const absl::Status& status) {
  ProblemMetadata metadata;
  std::istringstream lines(PayloadOf(status));
  std::string key;
  std::getline(lines, key);  // the number
  for (std::string value; std::getline(lines, key) && std::getline(lines, value);) {
    metadata[key] = value;
  }
  return metadata;
}

}  // namespace gatehouse
