#pragma once

namespace gatehouse::db {

// For the end of the process, whose time is up: every statement that runs is cancelled, and cut off
// where the server does not react; none is sent and no connection is made any more. All of them
// fail with kDeadlineExceeded. Does not wait. Thread-safe.
void StopStatements();

}  // namespace gatehouse::db
