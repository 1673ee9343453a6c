#pragma once

// Private to libs/db: the directory that holds an embedded server's files.

#include <string>

#include "absl/status/statusor.h"
#include "libs/db/child_process.h"
#include "libs/db/postgres_files.h"

namespace gatehouse::db {

// An open data directory, locked against other processes while it lives. When we are root and the
// server is not, files here are opened so that a symbolic link planted by somebody else can't
// redirect us. Not thread-safe.
class DataDirectory {
 public:
  DataDirectory() = default;
  DataDirectory(DataDirectory&& other) noexcept;
  DataDirectory& operator=(DataDirectory&& other) noexcept;
  ~DataDirectory();

  // Creates the directory if it is missing. FAILED_PRECONDITION, with a text that tells the
  // operator what to do, when the server's user may not enter it, when it belongs to a user who is
  // neither us nor the server's, when its name can't be passed on, or when another process uses it.
  static absl::StatusOr<DataDirectory> Open(const std::string& path, const RunAs& run_as);

  // The directory's name, absolute and without symbolic links, as passed to the server.
  const std::string& path() const { return path_; }
  // The same directory by its descriptor, for our own use: nobody can replace a parent directory
  // under it.
  std::string own_path() const;
  // Opens the log for appending, truncated if it has grown long.
  absl::StatusOr<int> OpenLog() const;

 private:
  int fd_ = -1;
  std::string path_;
  FileLock lock_;
};

}  // namespace gatehouse::db
