#pragma once

// Private to libs/db: maps driver errors to statuses.

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace gatehouse::db {

// The SQLSTATE in a server's message of verbose form ("ERROR:  23505: ..."); empty when none is.
std::string SqlStateIn(std::string_view message);

// `message` is the driver's, in verbose form: fields that the client library appends
// ("CONSTRAINT NAME:  x") are in English, whatever the server's language.
absl::Status FromSqlState(std::string_view sqlstate, std::string_view message);

// The connection could not be made or was lost. `cause` is logged, never shown.
absl::Status ConnectionTrouble(std::string_view cause);
// The same, with the SQLSTATE of a server that refused, if `cause` has one.
absl::Status ConnectFailure(std::string_view cause);
absl::Status DeadlinePassed(std::string_view cause);
absl::Status Bug(std::string_view cause);

// `status` with another message, for the user who starts a program; the cause stays.
absl::Status Reworded(const absl::Status& status, std::string_view message);

// The SQLSTATE of a status made here; empty when there is none.
std::string SqlStateOf(const absl::Status& status);
// Whether running the transaction again may succeed: 40001, 40P01 and RetryTransaction().
bool IsRetryable(const absl::Status& status);
// After this error the connection can't be used any more.
bool SpoilsConnection(std::string_view sqlstate);

// Which statement of a transaction failed, for LogFailure.
void NoteStatement(absl::Status& status, const char* name);
// Reports to the error log and marks the status as logged, unless it is an ordinary outcome. `what`
// failed; within a transaction, the statement that NoteStatement has named.
void LogFailure(std::string_view what, absl::Status& status);

}  // namespace gatehouse::db
