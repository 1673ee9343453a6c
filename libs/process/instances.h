#pragma once

// Which processes run: each has a file in a directory of its user, and a lock on it for as long as
// it lives. The lock is the kernel's word for the process id, so that a file that was left behind,
// or was written by another user, leads to no wrong process.

#include <string>

#include "absl/time/time.h"
#include "libs/process/command_line.h"

namespace gatehouse::process {

// The file of this process. Best effort: without a directory that can be written, `list` does not
// show the process, and everything else works.
class InstanceFile {
 public:
  // `stop_within`: the longest that the process takes to end after SIGTERM.
  InstanceFile(const std::string& program, const std::string& address, absl::Duration stop_within);
  ~InstanceFile();
  InstanceFile(const InstanceFile&) = delete;
  InstanceFile& operator=(const InstanceFile&) = delete;

 private:
  std::string path_;
  int fd_ = -1;
};

// Runs `list`: a line for each instance. Returns the exit status.
int ListInstances();
// Runs `stop`: SIGTERM to the instances of `program`, or to the one of --id, and waits until they
// have ended. Returns the exit status, 0 also if there was nothing to stop.
int StopInstances(const std::string& program, const CommandLine& line);

}  // namespace gatehouse::process
