#include "libs/db/postgres_files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "libs/base/status.h"
#include "libs/base/steady_time.h"

namespace gatehouse::db {
namespace {

namespace fs = std::filesystem;

constexpr char kPackagedVersions[] = "/usr/lib/postgresql";
// Larger than any process id of Linux, so no process has it.
constexpr char kDeadPid[] = "2147483646";

constexpr char kTemporaryPrefix[] = "gatehouse-";
// The owner of a directory younger than this may just be about to lock it.
constexpr absl::Duration kAbandonedAfter = absl::Minutes(1);

std::string TemporaryBase() {
  const char* base = std::getenv("TMPDIR");
  return base != nullptr && base[0] == '/' && IsPlainPath(base) ? base : "/tmp";
}

// The server's own files belong to its user. When we are root, a symbolic link among them must not
// make us read or write a different file.
absl::StatusOr<std::string> ReadSmallFile(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) {
    if (errno == ENOENT || errno == ENOTDIR) return std::string();
    return absl::FailedPreconditionError(absl::StrCat(path, ": ", std::strerror(errno)));
  }
  std::string text(4096, '\0');
  const ssize_t size = ::read(fd, text.data(), text.size());
  const int error = errno;
  ::close(fd);
  if (size < 0) {
    return absl::FailedPreconditionError(absl::StrCat(path, ": ", std::strerror(error)));
  }
  text.resize(static_cast<size_t>(size));
  return text;
}

absl::Status WriteExistingFile(const std::string& path, const std::string& text) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_TRUNC | O_NOFOLLOW | O_CLOEXEC);
  const bool written =
      fd >= 0 && ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const int error = errno;
  if (fd >= 0) ::close(fd);
  if (written) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(path, ": ", std::strerror(error)));
}

bool HasPrograms(const fs::path& directory) {
  return ::access((directory / "initdb").c_str(), X_OK) == 0 &&
         ::access((directory / "postgres").c_str(), X_OK) == 0;
}

// Whether a process is a server that works in `pg_dir`.
bool ServesDirectory(const std::string& pid, const std::string& pg_dir) {
  struct stat cwd;
  struct stat dir;
  // Servers change into their data directory. Ours run as our user (or we are root), so a process
  // that we may not inspect is not one of them.
  return ::stat(("/proc/" + pid + "/cwd").c_str(), &cwd) == 0 &&
         ::stat(pg_dir.c_str(), &dir) == 0 && cwd.st_dev == dir.st_dev && cwd.st_ino == dir.st_ino;
}

}  // namespace

bool IsPlainPath(const std::string& path) {
  return std::all_of(path.begin(), path.end(), [](char c) {
    return absl::ascii_isalnum(c) || c == '/' || c == '.' || c == '_' || c == '-' || c == '+';
  });
}

absl::StatusOr<std::string> FindPostgresPrograms(const std::string& bin_dir,
                                                 const std::string& major) {
  if (!bin_dir.empty()) {
    if (HasPrograms(bin_dir)) return bin_dir;
    return absl::FailedPreconditionError(
        absl::StrCat("There are no PostgreSQL server programs in ", bin_dir));
  }
  std::string best;
  int best_version = -1;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(kPackagedVersions, error)) {
    const std::string version = entry.path().filename().string();
    int number = 0;
    if (!absl::SimpleAtoi(version, &number) || !HasPrograms(entry.path() / "bin")) continue;
    if (!major.empty() ? version == major : number > best_version) {
      best_version = number;
      best = (entry.path() / "bin").string();
    }
  }
  if (!best.empty()) return best;
  if (const char* path = std::getenv("PATH"); path != nullptr) {
    for (const absl::string_view piece : absl::StrSplit(path, ':', absl::SkipEmpty())) {
      if (HasPrograms(std::string(piece))) return std::string(piece);
    }
  }
  return absl::FailedPreconditionError(absl::StrCat(
      "PostgreSQL ", major, major.empty() ? "" : " ",
      "is not installed here, so none can be started. Install the package postgresql, or set "
      "postgresql_connection_uri to use a server that runs elsewhere"));
}

FileLock::FileLock(FileLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

FileLock& FileLock::operator=(FileLock&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

FileLock::~FileLock() {
  if (fd_ >= 0) ::close(fd_);
}

absl::StatusOr<FileLock> FileLock::Take(const std::string& path, const std::string& name) {
  FileLock lock;
  lock.fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (lock.fd_ < 0) {
    return absl::FailedPreconditionError(absl::StrCat(name, ": ", std::strerror(errno)));
  }
  if (::flock(lock.fd_, LOCK_EX | LOCK_NB) != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("Another process uses this data directory (it holds ", name, ")"));
  }
  return lock;
}

absl::Status MakePrivateDirectory(const std::string& path, const RunAs& owner) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    return absl::FailedPreconditionError(absl::StrCat(path, ": ", std::strerror(errno)));
  }
  struct stat info;
  if (::lstat(path.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) {
    return absl::FailedPreconditionError(absl::StrCat(path, " is not a directory"));
  }
  if (info.st_uid != owner.uid && ::lchown(path.c_str(), owner.uid, owner.gid) != 0) {
    return absl::FailedPreconditionError(absl::StrCat(path, " belongs to another user"));
  }
  if ((info.st_mode & 077) != 0 && ::chmod(path.c_str(), 0700) != 0) {
    return absl::FailedPreconditionError(absl::StrCat(path, ": ", std::strerror(errno)));
  }
  return absl::OkStatus();
}

void RemoveAbandonedTemporaryDirectories(const RunAs& owner) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(TemporaryBase(), error)) {
    const std::string path = entry.path().string();
    struct stat directory;
    struct stat lock_file;
    if (!entry.path().filename().string().starts_with(kTemporaryPrefix) ||
        ::lstat(path.c_str(), &directory) != 0 || !S_ISDIR(directory.st_mode) ||
        directory.st_uid != owner.uid || ::lstat((path + kLockFile).c_str(), &lock_file) != 0 ||
        absl::FromTimeT(lock_file.st_mtime) > absl::Now() - kAbandonedAfter) {
      continue;
    }
    const auto lock = FileLock::Take(path + kLockFile, path + kLockFile);
    if (!lock.ok() || !AwaitFormerServer(path + "/pg", absl::ZeroDuration()).ok()) continue;
    fs::remove_all(path, error);
  }
}

absl::StatusOr<std::string> MakeTemporaryDirectory(const RunAs& owner) {
  std::string path = absl::StrCat(TemporaryBase(), "/", kTemporaryPrefix, "XXXXXX");
  if (::mkdtemp(path.data()) == nullptr) {
    return absl::FailedPreconditionError(absl::StrCat(path, ": ", std::strerror(errno)));
  }
  RETURN_IF_ERROR(MakePrivateDirectory(path, owner));
  return path;
}

absl::Status AwaitFormerServer(const std::string& pg_dir, absl::Duration patience) {
  const std::string lock_path = pg_dir + "/postmaster.pid";
  const absl::Time give_up = SteadyNow() + patience;
  for (;;) {
    ASSIGN_OR_RETURN(const std::string text, ReadSmallFile(lock_path));
    const std::string pid(text.begin(), std::find(text.begin(), text.end(), '\n'));
    int64_t number = 0;
    if (!absl::SimpleAtoi(pid, &number) || number <= 0) return absl::OkStatus();
    struct stat unused;
    if (::stat(("/proc/" + pid).c_str(), &unused) != 0) return absl::OkStatus();
    if (!ServesDirectory(pid, pg_dir)) {
      // Another process has the id now, and PostgreSQL would mistake it for a server. The rest of
      // the file stays: PostgreSQL uses it to see whether stragglers still use the old shared
      // memory.
      const std::string rest = text.size() > pid.size() ? text.substr(pid.size()) : "\n";
      return WriteExistingFile(lock_path, kDeadPid + rest);
    }
    if (SteadyNow() >= give_up) {
      return absl::FailedPreconditionError(absl::StrCat("Another PostgreSQL server (process ", pid,
                                                        ") runs in ", pg_dir, ". Stop it first"));
    }
    absl::SleepFor(absl::Milliseconds(20));
  }
}

std::string LastLine(int log_fd) {
  constexpr off_t kTail = 4096;
  struct stat info;
  if (::fstat(log_fd, &info) != 0) return "";
  std::string text(static_cast<size_t>(std::min(info.st_size, kTail)), '\0');
  const ssize_t size = ::pread(log_fd, text.data(), text.size(), info.st_size - text.size());
  if (size < 0) return "";
  text.resize(static_cast<size_t>(size));
  const std::vector<std::string> lines = absl::StrSplit(text, '\n', absl::SkipEmpty());
  return lines.empty() ? "" : lines.back();
}

}  // namespace gatehouse::db
