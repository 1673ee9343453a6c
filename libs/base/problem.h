#pragma once

// What exactly is wrong, beside the ErrorReason of a status: for programs that call over gRPC and
// must distinguish "unknown user" from "too long" without reading the text.

#include <map>
#include <string>
#include <string_view>

#include "libs/base/status.h"

namespace gatehouse {

// The numbers travel between processes and to applications (gatehouse.common.v1.ErrorProblem):
// never renumber. The comments name the metadata.
enum class Problem {
  kUnspecified = 0,
  kTooLong = 1,      // field; max_characters or max_bytes
  kTooMany = 2,      // field; max where it is fixed
  kEmpty = 3,        // field
  kMissing = 4,      // field; several with commas: one of them is needed
  kMalformed = 5,    // field
  kOutOfRange = 6,   // field
  kReserved = 7,     // field: it holds a name that is the server's
  kUnsupported = 8,  // field: a value that this server or this version does not take
  kUserUnknown = 9,
  kUserIdInUse = 10,          // recipe, where one says so
  kLoginMethodDisabled = 11,  // recipe
  kContradiction = 12,        // field: two, with a comma
  kCoreConfig = 13,           // field, where it is one
  kProviderConfig = 14,
  kStillInUse = 15,  // field: what has to be removed first
  kNotPermitted = 16,
  kDifferentDatabases = 17,
  kTooOften = 18,  // retry_after_s
};

// Names of fields and limits; never a value that a caller sent.
using ProblemMetadata = std::map<std::string, std::string>;

// "TOO_LONG".
std::string_view ProblemName(Problem problem);

// The same status, which says what is wrong. Keys and values hold no line breaks.
absl::Status WithProblem(absl::Status status, Problem problem,
                         const ProblemMetadata& metadata = {});
inline absl::Status BadInput(Problem problem, std::string_view message,
                             const ProblemMetadata& metadata = {}) {
  return WithProblem(BadInput(message), problem, metadata);
}
inline absl::Status Forbidden(Problem problem, std::string_view message,
                              const ProblemMetadata& metadata = {}) {
  return WithProblem(Forbidden(message), problem, metadata);
}

// What WithProblem has said, or kUnspecified.
Problem ProblemOf(const absl::Status& status);
ProblemMetadata MetadataOf(const absl::Status& status);

}  // namespace gatehouse
