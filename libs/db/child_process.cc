#include "libs/db/child_process.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "libs/base/status.h"
#include "libs/base/steady_time.h"

namespace gatehouse::db {
namespace {

constexpr int kExecFailed = 127;
constexpr absl::Duration kPollEvery = absl::Milliseconds(3);

// Between fork and exec in a program with threads: nothing but system calls.
bool BecomeUser(const RunAs& run_as) {
  return !run_as.switch_user ||
         (::syscall(SYS_setgroups, 0, nullptr) == 0 && ::syscall(SYS_setgid, run_as.gid) == 0 &&
          ::syscall(SYS_setuid, run_as.uid) == 0);
}

[[noreturn]] void BecomeProgram(char* const argv[], char* const envp[], const RunAs& run_as,
                                int output_fd, int death_signal, pid_t parent) {
  const int null_fd = ::open("/dev/null", O_RDONLY);
  ::dup2(null_fd, STDIN_FILENO);
  ::dup2(output_fd, STDOUT_FILENO);
  ::dup2(output_fd, STDERR_FILENO);
  ::syscall(SYS_close_range, 3U, ~0U, 0U);  // listening sockets, locks, connections
  ::setsid();
  if (!BecomeUser(run_as)) ::_exit(kExecFailed);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (const int number : {SIGINT, SIGTERM, SIGQUIT, SIGHUP, SIGPIPE, SIGCHLD, SIGUSR1, SIGUSR2}) {
    ::signal(number, SIG_DFL);
  }
  // The server's user may not be allowed to enter the directory that we were started in.
  [[maybe_unused]] const int changed = ::chdir("/");
  ::umask(077);
  if (death_signal != 0) {
    // After the change of user, which would clear it.
    ::prctl(PR_SET_PDEATHSIG, death_signal);
    if (::getppid() != parent) ::_exit(kExecFailed);
  }
  ::execve(argv[0], argv, envp);
  ::_exit(kExecFailed);
}

}  // namespace

absl::StatusOr<RunAs> ChooseServerUser() {
  if (::geteuid() != 0) return RunAs{::geteuid(), ::getegid(), false};
  for (const char* name : {"postgres", "nobody"}) {
    const passwd* entry = ::getpwnam(name);
    if (entry != nullptr && entry->pw_uid != 0) {
      return RunAs{entry->pw_uid, entry->pw_gid, true};
    }
  }
  return absl::FailedPreconditionError(
      "PostgreSQL does not run as root, and there is no user postgres or nobody");
}

absl::StatusOr<pid_t> StartProgram(const std::vector<std::string>& argv, const RunAs& run_as,
                                   int output_fd, int death_signal) {
  std::vector<std::string> environment = {"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", "TZ=UTC"};
  std::vector<char*> arguments;
  for (const std::string& argument : argv) {
    arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  arguments.push_back(nullptr);
  std::vector<char*> variables;
  for (std::string& variable : environment) variables.push_back(variable.data());
  variables.push_back(nullptr);

  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child == 0) {
    BecomeProgram(arguments.data(), variables.data(), run_as, output_fd, death_signal, parent);
  }
  if (child < 0) return absl::InternalError(absl::StrCat("fork: ", std::strerror(errno)));
  return child;
}

absl::StatusOr<std::string> FirstClosedTo(const RunAs& run_as,
                                          const std::vector<std::string>& directories) {
  constexpr size_t kMost = 200;  // the answer is an exit status
  constexpr int kNone = 255;
  if (directories.size() > kMost) return absl::InvalidArgumentError("the path is too deep");
  std::vector<const char*> paths;
  for (const std::string& directory : directories) paths.push_back(directory.c_str());
  const pid_t child = ::fork();
  if (child < 0) return absl::InternalError(absl::StrCat("fork: ", std::strerror(errno)));
  if (child == 0) {
    if (!BecomeUser(run_as)) ::_exit(kNone);
    for (size_t i = 0; i < paths.size(); ++i) {
      if (::access(paths[i], X_OK) != 0) ::_exit(static_cast<int>(i));
    }
    ::_exit(kNone);
  }
  int how = 0;
  while (::waitpid(child, &how, 0) < 0) {
    if (errno != EINTR) return absl::InternalError("waitpid failed");
  }
  if (!WIFEXITED(how)) return absl::InternalError("a check of the data directory was killed");
  const size_t index = WEXITSTATUS(how);
  return index < directories.size() ? directories[index] : std::string();
}

absl::Status RunProgram(const std::vector<std::string>& argv, const RunAs& run_as, int output_fd,
                        absl::Duration timeout) {
  ASSIGN_OR_RETURN(const pid_t child, StartProgram(argv, run_as, output_fd, SIGKILL));
  const absl::Time give_up = SteadyNow() + timeout;
  int how = 0;
  for (;;) {
    const pid_t ended = ::waitpid(child, &how, WNOHANG);
    if (ended == child) break;
    if (ended < 0 && errno != EINTR) return absl::InternalError("waitpid failed");
    if (SteadyNow() > give_up) {
      ::kill(-child, SIGKILL);  // its session: what it started too
      ::kill(child, SIGKILL);
      while (::waitpid(child, &how, 0) < 0 && errno == EINTR) {
      }
      return absl::DeadlineExceededError(absl::StrCat(argv[0], " did not end within ",
                                                      absl::FormatDuration(timeout)));
    }
    absl::SleepFor(kPollEvery);
  }
  if (WIFEXITED(how) && WEXITSTATUS(how) == 0) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(argv[0], " failed"));
}

}  // namespace gatehouse::db
