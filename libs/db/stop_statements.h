#pragma once

namespace gatehouse::db {

// For the end of the process, whose time is up: every statement that runs is cancelled, and cut off
// where the server does not react; none is sent, and no connection is made or waited for any more.
// They fail with kDeadlineExceeded or, where a connection was waited for, kDependencyDown. Does not
// wait. Thread-safe.
void StopStatements();

}  // namespace gatehouse::db
