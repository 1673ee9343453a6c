#pragma once

// Private to libs/db: starting the server's programs as a user that they accept.

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace gatehouse::db {

// The user that the server runs as. PostgreSQL refuses to run as root.
struct RunAs {
  uid_t uid = 0;
  gid_t gid = 0;
  bool switch_user = false;  // false: we are that user already
};

// Our own user; if that is root, `postgres`, or else `nobody`.
absl::StatusOr<RunAs> ChooseServerUser();

// The first of `directories` that the user may not enter; empty when there is none. Asks the kernel
// as that user, so that access lists and read-only mounts count. At most 200 directories.
absl::StatusOr<std::string> FirstClosedTo(const RunAs& run_as,
                                          const std::vector<std::string>& directories);

// Starts a program with a clean environment, in its own session (so that Ctrl-C in our terminal
// does not reach it), with all output going to `output_fd`. `death_signal`, if any, is sent to it
// when the *calling thread* ends, however that happens.
absl::StatusOr<pid_t> StartProgram(const std::vector<std::string>& argv, const RunAs& run_as,
                                   int output_fd, int death_signal);

// Starts a program and waits. An error when it does not exit with 0; after `timeout` it is killed,
// with its children.
absl::Status RunProgram(const std::vector<std::string>& argv, const RunAs& run_as, int output_fd,
                        absl::Duration timeout);

}  // namespace gatehouse::db
