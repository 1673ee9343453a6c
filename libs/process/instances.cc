#include "libs/process/instances.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <optional>
#include <vector>

#include "libs/base/json.h"
#include "libs/base/steady_time.h"
#include "libs/base/strings.h"

namespace gatehouse::process {
namespace {

namespace fs = std::filesystem;

constexpr char kServiceDirectory[] = "/run/gatehouse";
constexpr size_t kMaxFileBytes = 4096;
constexpr int64_t kLongestStopMs = 3'600'000;

struct Instance {
  pid_t pid;
  std::string program;
  std::string address;
  absl::Duration stop_within;
};

// In the order of preference. systemd names the directory of a unit in $RUNTIME_DIRECTORY; a test
// names one of its own there.
std::vector<std::string> Directories() {
  if (const char* named = std::getenv("RUNTIME_DIRECTORY"); named != nullptr && named[0] == '/') {
    return {named};
  }
  std::vector<std::string> directories;
  if (::geteuid() == 0) directories.push_back(kServiceDirectory);
  if (const char* runtime = std::getenv("XDG_RUNTIME_DIR");
      runtime != nullptr && runtime[0] == '/') {
    directories.push_back(StrCat(runtime, "/gatehouse"));
  }
  const char* temporary = std::getenv("TMPDIR");
  directories.push_back(StrCat(temporary != nullptr && temporary[0] == '/' ? temporary : "/tmp",
                               "/gatehouse-", std::to_string(::geteuid())));
  return directories;
}

// Whether only we, root or, if we are root, the service's user may write there: in /tmp anybody
// could have made it.
bool IsOurs(const std::string& directory) {
  struct stat found;
  if (::lstat(directory.c_str(), &found) != 0 || !S_ISDIR(found.st_mode)) return false;
  if ((found.st_mode & (S_IWGRP | S_IWOTH)) != 0) return false;
  return found.st_uid == ::geteuid() || found.st_uid == 0 || directory == kServiceDirectory;
}

// The process that has the lock; 0: none.
pid_t HolderOf(int fd) {
  struct flock lock = {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  if (::fcntl(fd, F_GETLK, &lock) != 0 || lock.l_type == F_UNLCK) return 0;
  return lock.l_pid;
}

// Another user's file may hold anything.
std::string Printable(const json::Value* value) {
  std::string text;
  if (value != nullptr && value->AsString()) text = std::string(*value->AsString());
  std::erase_if(text, [](unsigned char c) { return c < 0x20 || c > 0x7e; });
  return text.substr(0, 200);
}

std::optional<Instance> Read(const fs::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return std::nullopt;
  std::string text(kMaxFileBytes, '\0');
  const ssize_t size = ::read(fd, text.data(), text.size());
  const pid_t holder = size > 0 ? HolderOf(fd) : 0;
  ::close(fd);
  if (holder <= 0) return std::nullopt;
  const auto row = json::Parse(text.substr(0, static_cast<size_t>(size)));
  if (!row.ok() || !row->is_object()) return std::nullopt;
  const json::Value* stop_within = row->Find("stop_within_ms");
  int64_t ms = 0;
  if (stop_within != nullptr && stop_within->AsInt64()) ms = *stop_within->AsInt64();
  return Instance{holder, Printable(row->Find("program")), Printable(row->Find("address")),
                  absl::Milliseconds(std::clamp<int64_t>(ms, 0, kLongestStopMs))};
}

std::vector<Instance> FindInstances() {
  std::vector<Instance> instances;
  for (const std::string& directory : Directories()) {
    std::error_code unreadable;
    if (!IsOurs(directory)) continue;
    for (const fs::directory_entry& entry : fs::directory_iterator(directory, unreadable)) {
      if (entry.path().extension() != ".instance") continue;
      if (auto instance = Read(entry.path()); instance.has_value()) {
        instances.push_back(*std::move(instance));
      }
    }
  }
  std::sort(instances.begin(), instances.end(),
            [](const Instance& a, const Instance& b) { return a.pid < b.pid; });
  return instances;
}

// A handle, so that a process id that is in use again is not signalled, once we have one.
int OpenProcess(pid_t pid) { return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)); }

}  // namespace

InstanceFile::InstanceFile(const std::string& program, const std::string& address,
                           absl::Duration stop_within) {
  for (const std::string& directory : Directories()) {
    if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) continue;
    // In a directory of another user that user could lead us to a file of its choice.
    struct stat found;
    if (!IsOurs(directory) || ::lstat(directory.c_str(), &found) != 0 ||
        found.st_uid != ::geteuid()) {
      continue;
    }
    const std::string path = StrCat(directory, "/", std::to_string(::getpid()), ".instance");
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) continue;
    struct flock lock = {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    json::Value row = json::Value::Object();
    row.Set("program", program);
    row.Set("address", address);
    row.Set("stop_within_ms", absl::ToInt64Milliseconds(stop_within));
    const std::string text = json::Serialize(row);
    if (::fcntl(fd, F_SETLK, &lock) == 0 && ::ftruncate(fd, 0) == 0 &&
        ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size())) {
      path_ = path;
      fd_ = fd;
      return;
    }
    ::close(fd);
  }
}

InstanceFile::~InstanceFile() {
  if (fd_ < 0) return;
  ::unlink(path_.c_str());
  ::rmdir(fs::path(path_).parent_path().c_str());  // if it is the last one
  ::close(fd_);
}

int ListInstances() {
  const std::vector<Instance> instances = FindInstances();
  if (instances.empty()) {
    std::cerr << "no instance is running\n";
    return 0;
  }
  for (const Instance& instance : instances) {
    std::cout << instance.pid << "\t" << (instance.address.empty() ? "-" : instance.address) << "\t"
              << instance.program << "\n";
  }
  return 0;
}

int StopInstances(const std::string& program, const CommandLine& line) {
  std::vector<Instance> instances = FindInstances();
  std::erase_if(instances, [&](const Instance& instance) {
    return line.id != 0 ? instance.pid != line.id : instance.program != program;
  });
  if (instances.empty()) {
    std::cerr << program << ": "
              << (line.id != 0 ? StrCat("no instance has the process id ", std::to_string(line.id))
                               : "no instance is running")
              << "\n";
    return line.id != 0 ? 1 : 0;
  }
  std::vector<std::pair<Instance, int>> asked;
  int status = 0;
  const absl::Time now = SteadyNow();
  for (const Instance& instance : instances) {
    const int handle = OpenProcess(instance.pid);
    if (handle < 0 && errno == ESRCH) continue;
    if (handle < 0 || ::syscall(SYS_pidfd_send_signal, handle, SIGTERM, nullptr, 0) != 0) {
      std::cerr << program << ": " << instance.pid << ": " << std::strerror(errno) << "\n";
      status = 1;
      if (handle >= 0) ::close(handle);
      continue;
    }
    asked.emplace_back(instance, handle);
  }
  for (const auto& [instance, handle] : asked) {
    const absl::Duration left = now + instance.stop_within - SteadyNow();
    pollfd ended = {handle, POLLIN, 0};
    const int timeout = static_cast<int>(std::max<int64_t>(absl::ToInt64Milliseconds(left), 0));
    if (::poll(&ended, 1, timeout) == 1) {
      std::cout << "stopped " << instance.pid << "\n";
    } else {
      std::cerr << program << ": " << instance.pid << " is still running\n";
      status = 1;
    }
    ::close(handle);
  }
  return status;
}

}  // namespace gatehouse::process
