#pragma once

namespace gatehouse::db {

// For a process whose drain time is over: every running statement is cancelled, and its connection
// cut if the server does not react; no further statement is sent, and no connection is made or
// waited for. They fail with kDeadlineExceeded or, while waiting for a connection, kDependencyDown.
// Does not wait. Thread-safe.
void StopStatements();

}  // namespace gatehouse::db
