#pragma once

// How database failures look to callers.
//
// | what happened                          | status                                             |
// |----------------------------------------|----------------------------------------------------|
// | unique constraint (23505)              | ALREADY_EXISTS, ViolatedConstraint() names it      |
// | foreign key (23503)                    | FAILED_PRECONDITION, ViolatedConstraint() names it |
// | text longer than its column (22001)    | ErrorReason::kBadInput                             |
// | text that is no UTF-8, or holds NUL    | ErrorReason::kBadInput                             |
// | the deadline passed                    | ErrorReason::kDeadlineExceeded                     |
// | every connection busy, queue full      | ErrorReason::kOverloaded                           |
// | the server can't be reached            | ErrorReason::kDependencyDown                       |
// | serialization failure, deadlock, and   | ErrorReason::kOverloaded, once the retries are     |
// | lock_not_available (NOWAIT)            | used up (NOWAIT is not retried)                    |
// | anything else                          | ErrorReason::kInternal                             |
//
// Messages hold neither driver text nor values; DatabaseCause() has the driver's text, for logs.

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace gatehouse::db {

// The name of the unique or foreign-key constraint that a statement violated. It starts with the
// table's name without schema but with prefix: `pre_emailpassword_users_pkey`.
std::optional<std::string> ViolatedConstraint(const absl::Status& status);

// Whether `status` is a violation of a constraint whose name has this ending. Use this rather than
// equality: the start of a name differs between installations, by prefixes and history.
bool ViolatesConstraint(const absl::Status& status, std::string_view name_suffix);

// SQLSTATE and the server's first line, without values (no DETAIL); empty when `status` is not
// from the database.
std::string DatabaseCause(const absl::Status& status);

// Returned from a transaction's body: roll back, wait a moment, and run the body again (such as
// after a failed pg_try_advisory_xact_lock). Bounded like every retry.
absl::Status RetryTransaction();

// Receives the cause of every failure that is not an ordinary outcome (violations are not), once:
// its status is marked (MarkLogged). Called on the failing thread; must not call the database.
// Process-wide; set it at start.
void SetErrorLog(std::function<void(std::string_view statement, std::string_view cause)> log);

}  // namespace gatehouse::db
