#pragma once

// Errors that cross service borders.
//
// A domain outcome (wrong credentials, email taken) is part of a reply message. A fault is an
// absl::Status made here: it carries a reason, and its message is written for the client. A status
// without a reason (a driver's error, a bug) is logged and never shown.

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace gatehouse {

// Why a call failed. The numbers travel between processes: never renumber.
enum class ErrorReason {
  kUnspecified = 0,
  kBadInput = 1,            // 400: the request's content is wrong; the message is the reply
  kTenantNotFound = 2,      // 400: the app or tenant that the request names does not exist
  kForbidden = 3,           // 403: known caller, not allowed here
  kNotSupported = 4,        // 501: this build has no such feature
  kOverloaded = 5,          // 429: a bounded queue is full; retry after a moment
  kDeadlineExceeded = 6,    // 503: the request's time ran out
  kDependencyDown = 7,      // 503: the database or another service can't be reached
  kCallerNotAllowed = 8,    // policy: this caller may not call this method (never a client's fault)
  kInternal = 9,            // 500: a bug or an unexpected state
  kUnauthenticated = 10,    // 401: wrong or missing API key
  kNotFound = 11,           // 404: no such path or operation
};

// The stable name of a reason, such as "BAD_INPUT": used in logs, metrics and gRPC details.
std::string_view ErrorReasonName(ErrorReason reason);

// Makes a status with a reason. The client sees `message` unchanged: no secrets, no driver text.
// The absl code follows from the reason.
absl::Status MakeError(ErrorReason reason, std::string_view message);

inline absl::Status BadInput(std::string_view message) {
  return MakeError(ErrorReason::kBadInput, message);
}
inline absl::Status Forbidden(std::string_view message) {
  return MakeError(ErrorReason::kForbidden, message);
}

// The reason of a status made by MakeError, or kUnspecified.
ErrorReason ReasonOf(const absl::Status& status);

// Whether `status` is a fault of ours or an unforeseen outcome: no reason, or kInternal. Its text
// is not shown to clients.
bool IsFault(const absl::Status& status);

// The part of a failure that only logs may see, such as a driver's text; "" if there is
// none.
absl::Status WithCause(absl::Status status, std::string_view cause);
std::string CauseOf(const absl::Status& status);

// A failure is logged once, where it happened: code that logs one marks it, and code that passes it
// on checks the mark. No effect on an OK status.
void MarkLogged(absl::Status& status);
bool IsLogged(const absl::Status& status);

}  // namespace gatehouse

#define GATEHOUSE_CONCAT_INNER_(a, b) a##b
#define GATEHOUSE_CONCAT_(a, b) GATEHOUSE_CONCAT_INNER_(a, b)

// Returns from the enclosing function when `expr` (an absl::Status) is not OK.
#define RETURN_IF_ERROR(expr)                                  \
  do {                                                         \
    if (absl::Status _status = (expr); !_status.ok()) return _status; \
  } while (false)

// ASSIGN_OR_RETURN(auto x, F()): evaluates F() once; returns its status, or assigns its value.
#define ASSIGN_OR_RETURN(lhs, expr) \
  ASSIGN_OR_RETURN_IMPL_(GATEHOUSE_CONCAT_(_status_or_, __LINE__), lhs, expr)
#define ASSIGN_OR_RETURN_IMPL_(var, lhs, expr) \
  auto var = (expr);                           \
  if (!var.ok()) return std::move(var).status(); \
  lhs = *std::move(var)
