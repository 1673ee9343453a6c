#include "libs/db/data_directory.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "libs/base/status.h"

namespace gatehouse::db {
namespace {

namespace fs = std::filesystem;

constexpr char kLogFile[] = "postgres.log";
constexpr off_t kMaxLogBytes = 10 << 20;

std::string UserName(uid_t uid) {
  const passwd* entry = ::getpwuid(uid);
  return entry != nullptr ? entry->pw_name : absl::StrCat(uid);
}

absl::Status Failure(const std::string& path, int error) {
  return absl::FailedPreconditionError(absl::StrCat(path, ": ", std::strerror(error)));
}

// PostgreSQL keeps the name in files that it reads line by line.
absl::Status CheckName(const std::string& path) {
  if (std::none_of(path.begin(), path.end(), [](char c) { return absl::ascii_iscntrl(c); })) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(
      "The data directory's name contains a control character, such as a line end. Choose another "
      "with --data-dir");
}

// When we are root the server runs as its own user: every directory on the path must let that user
// through.
absl::Status CheckServerMayEnter(const std::string& path, const RunAs& run_as) {
  if (!run_as.switch_user) return absl::OkStatus();
  std::vector<std::string> way;
  fs::path directory;
  std::error_code error;
  for (const fs::path& part : fs::path(path)) {
    directory /= part;
    if (!fs::exists(directory, error)) break;
    way.push_back(directory.string());
  }
  ASSIGN_OR_RETURN(const std::string closed, FirstClosedTo(run_as, way));
  if (closed.empty()) return absl::OkStatus();
  struct stat info = {};
  ::stat(closed.c_str(), &info);
  return absl::FailedPreconditionError(absl::StrCat(
      "PostgreSQL does not run as root, and the user ", UserName(run_as.uid),
      ", as whom it runs, may not enter ", closed,
      absl::StrFormat(" (mode %03o)", info.st_mode & 0777),
      ". Choose another data directory with --data-dir, such as /var/lib/gatehouse, or run "
      "Gatehouse as an ordinary user"));
}

// Root must not work in a directory where somebody else can replace files.
absl::Status CheckOwner(int fd, const std::string& path, const RunAs& run_as) {
  struct stat info;
  if (::fstat(fd, &info) != 0) return Failure(path, errno);
  if (!run_as.switch_user) return absl::OkStatus();
  if (info.st_uid != ::geteuid() && info.st_uid != run_as.uid) {
    return absl::FailedPreconditionError(absl::StrCat(
        path, " belongs to the user ", UserName(info.st_uid),
        ". A data directory that root uses must belong to root or to ", UserName(run_as.uid)));
  }
  if ((info.st_mode & 022) != 0) {
    return absl::FailedPreconditionError(absl::StrCat(
        path, absl::StrFormat(" may be written to by other users (mode %03o)", info.st_mode & 0777),
        ". A data directory that root uses must not be"));
  }
  return absl::OkStatus();
}

}  // namespace

DataDirectory::DataDirectory(DataDirectory&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      path_(std::move(other.path_)),
      lock_(std::move(other.lock_)) {}

DataDirectory& DataDirectory::operator=(DataDirectory&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(path_, other.path_);
  std::swap(lock_, other.lock_);
  return *this;
}

DataDirectory::~DataDirectory() {
  if (fd_ >= 0) ::close(fd_);
}

absl::StatusOr<DataDirectory> DataDirectory::Open(const std::string& path, const RunAs& run_as) {
  RETURN_IF_ERROR(CheckName(path));
  std::error_code error;
  const fs::path absolute = fs::weakly_canonical(fs::absolute(path, error), error);
  if (error) return absl::FailedPreconditionError(absl::StrCat(path, ": ", error.message()));
  // Before anything is created: a refused directory is left unchanged.
  RETURN_IF_ERROR(CheckServerMayEnter(absolute.parent_path().string(), run_as));
  fs::create_directories(absolute, error);
  if (error) {
    return absl::FailedPreconditionError(absl::StrCat("The data directory can't be ", path, ": ",
                                                      error.message(),
                                                      ". Choose another with --data-dir"));
  }

  DataDirectory directory;
  directory.path_ = fs::canonical(absolute, error).string();
  if (error) return absl::FailedPreconditionError(absl::StrCat(path, ": ", error.message()));
  directory.fd_ = ::open(directory.path_.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (directory.fd_ < 0) return Failure(directory.path_, errno);
  RETURN_IF_ERROR(CheckOwner(directory.fd_, directory.path_, run_as));
  RETURN_IF_ERROR(CheckServerMayEnter(directory.path_, run_as));
  ASSIGN_OR_RETURN(directory.lock_, FileLock::Take(directory.own_path() + kLockFile,
                                                   directory.path_ + kLockFile));
  return directory;
}

std::string DataDirectory::own_path() const { return absl::StrCat("/proc/self/fd/", fd_); }

absl::StatusOr<int> DataDirectory::OpenLog() const {
  const int log = ::openat(fd_, kLogFile, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC,
                           0600);
  const std::string name = absl::StrCat(path_, "/", kLogFile);
  if (log < 0) return Failure(name, errno);
  struct stat info;
  if (::fstat(log, &info) != 0 || !S_ISREG(info.st_mode) || info.st_nlink != 1) {
    ::close(log);
    return absl::FailedPreconditionError(absl::StrCat(name, " is not an ordinary file"));
  }
  if (info.st_size > kMaxLogBytes && ::ftruncate(log, 0) != 0) {
    const int cause = errno;
    ::close(log);
    return Failure(name, cause);
  }
  return log;
}

}  // namespace gatehouse::db
