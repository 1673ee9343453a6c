#pragma once

// Private to libs/db: the directory that an embedded server's files lie in.

#include <string>

#include "absl/status/statusor.h"
#include "libs/db/child_process.h"
#include "libs/db/postgres_files.h"

namespace gatehouse::db {

// An open data directory, locked against other processes while it lives. When we are root, and the
// server is not, files here are opened in ways that a symbolic link left by somebody else can't
// lead astray. Not thread-safe.
class DataDirectory {
 public:
  DataDirectory() = default;
  DataDirectory(DataDirectory&& other) noexcept;
  DataDirectory& operator=(DataDirectory&& other) noexcept;
  ~DataDirectory();

  // Makes the directory where it is missing. FAILED_PRECONDITION, with a text for the operator that
  // names what to do, when the server's user may not enter it, when it belongs to a user who is
  // neither us nor the server's, when its name can't be passed on, or when another process uses it.
  static absl::StatusOr<DataDirectory> Open(const std::string& path, const RunAs& run_as);

  // The directory's name, absolute and without symbolic links: what the server is given.
  const std::string& path() const { return path_; }
  // The same directory by its descriptor, for what we do ourselves: nobody can exchange a parent
  // directory under it.
  std::string own_path() const;
  // Opens the log for appending, emptied when it has grown long.
  absl::StatusOr<int> OpenLog() const;

 private:
  int fd_ = -1;
  std::string path_;
  FileLock lock_;
};

}  // namespace gatehouse::db
