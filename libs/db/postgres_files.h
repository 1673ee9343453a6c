#pragma once

// Private to libs/db: the files of an embedded server.

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/db/child_process.h"

namespace gatehouse::db {

// The directory of initdb and postgres. `major` picks a version, such as "15"; empty: the newest.
absl::StatusOr<std::string> FindPostgresPrograms(const std::string& bin_dir,
                                                 const std::string& major);

// The file in a data directory that a process locks while it uses the directory.
inline constexpr char kLockFile[] = "/gatehouse.lock";

// Holds an exclusive lock on a file while it lives.
class FileLock {
 public:
  FileLock() = default;
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&& other) noexcept;
  ~FileLock();
  // `name` is what an error calls the file. A symbolic link is not followed.
  static absl::StatusOr<FileLock> Take(const std::string& path, const std::string& name);

 private:
  int fd_ = -1;
};

// Creates a directory that only the server's user may enter, or checks an existing one.
absl::Status MakePrivateDirectory(const std::string& path, const RunAs& owner);

// A new directory under $TMPDIR, if that has a plain name, or /tmp.
absl::StatusOr<std::string> MakeTemporaryDirectory(const RunAs& owner);

// Removes temporary directories of our user whose owners were killed before they could.
void RemoveAbandonedTemporaryDirectories(const RunAs& owner);

// Waits while a server that is shutting down (its owner was killed) still uses `pg_dir`; an error
// when it does not end. Afterwards a lock file it left does not stop a new server, even if its
// process id is in use again.
absl::Status AwaitFormerServer(const std::string& pg_dir, absl::Duration patience);

// Whether a directory's name can stand in a list of socket directories and in libpq's `host`, in
// both of which some characters are special.
bool IsPlainPath(const std::string& path);

// The last line of an open log that is not empty, for an error message.
std::string LastLine(int log_fd);

}  // namespace gatehouse::db
