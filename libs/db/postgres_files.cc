#include "libs/db/postgres_files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>

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
// Larger than any process number of Linux, so that nobody has it.
constexpr char kDeadPid[] = "2147483646";

constexpr char kTemporaryPrefix[] = "gatehouse-";
// A directory younger than this may be one whose owner is just about to lock it.
constexpr absl::Duration kAbandonedAfter = absl::Minutes(1);

std::string TemporaryBase() {
  const char* base = std::getenv("TMPDIR");
  return base != nullptr && base[0] == '/' ? base : "/tmp";
}

bool HasPrograms(const fs::path& directory) {
  return ::access((directory / "initdb").c_str(), X_OK) == 0 &&
         ::access((directory / "postgres").c_str(), X_OK) == 0;
}

// Whether a process is a server that works in `pg_dir`.
bool ServesDirectory(const std::string& pid, const std::string& pg_dir) {
  struct stat cwd;
  struct stat dir;
  // Servers change into their data directory. Ours run as our user (or we are root), so what may
  // not be looked at is not one of them.
  return ::stat(("/proc/" + pid + "/cwd").c_str(), &cwd) == 0 &&
         ::stat(pg_dir.c_str(), &dir) == 0 && cwd.st_dev == dir.st_dev && cwd.st_ino == dir.st_ino;
}

}  // namespace

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

absl::StatusOr<FileLock> FileLock::Take(const std::string& path) {
  FileLock lock;
  lock.fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock.fd_ < 0) {
    return absl::FailedPreconditionError(absl::StrCat(path, ": ", std::strerror(errno)));
  }
  if (::flock(lock.fd_, LOCK_EX | LOCK_NB) != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("Another process uses this data directory (it holds ", path, ")"));
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
    const auto lock = FileLock::Take(path + kLockFile);
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
    std::ifstream file(lock_path);
    std::string pid;
    if (!std::getline(file, pid)) return absl::OkStatus();
    int64_t number = 0;
    if (!absl::SimpleAtoi(pid, &number) || number <= 0) return absl::OkStatus();
    struct stat unused;
    if (::stat(("/proc/" + pid).c_str(), &unused) != 0) return absl::OkStatus();
    if (!ServesDirectory(pid, pg_dir)) {
      // Another process has the number now, and PostgreSQL would take it for a server. The rest of
      // the file stays: by it PostgreSQL sees whether stragglers still use the old shared memory.
      std::string rest((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
      file.close();
      std::ofstream(lock_path, std::ios::trunc) << kDeadPid << '\n' << rest;
      return absl::OkStatus();
    }
    if (SteadyNow() >= give_up) {
      return absl::FailedPreconditionError(absl::StrCat("Another PostgreSQL server (process ", pid,
                                                        ") runs in ", pg_dir, ". Stop it first"));
    }
    absl::SleepFor(absl::Milliseconds(20));
  }
}

std::string LastLine(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::string last;
  while (std::getline(file, line)) {
    if (!line.empty()) last = line;
  }
  return last;
}

}  // namespace gatehouse::db
