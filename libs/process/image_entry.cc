#include "libs/process/image_entry.h"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <string_view>

namespace gatehouse::process {
namespace {

constexpr char kUser[] = "supertokens";
// Mounted where the root file system is read-only, as the original's documentation says.
constexpr char kTemporary[] = "/lib/supertokens/temp";

[[noreturn]] void Fail(std::string_view what) {
  std::cerr << "docker-entrypoint.sh: " << what << ": " << std::strerror(errno) << "\n";
  std::exit(1);
}

void LeaveRoot() {
  if (::geteuid() != 0) return;
  const passwd* user = ::getpwnam(kUser);
  if (user == nullptr) return;
  if (::initgroups(kUser, user->pw_gid) != 0 || ::setgid(user->pw_gid) != 0 ||
      ::setuid(user->pw_uid) != 0) {
    Fail("can't become the user supertokens");
  }
}

void ChooseTemporaryDirectory() {
  if (std::getenv("TMPDIR") == nullptr && ::access("/tmp", W_OK) != 0 &&
      ::access(kTemporary, W_OK) == 0) {
    ::setenv("TMPDIR", kTemporary, 1);
  }
}

[[noreturn]] void RunInstead(std::vector<std::string> command) {
  std::vector<char*> arguments;
  for (std::string& argument : command) arguments.push_back(argument.data());
  arguments.push_back(nullptr);
  ::execvp(arguments[0], arguments.data());
  Fail(command[0]);
}

bool IsMode(const std::string& word) { return word == "dev" || word == "production"; }

}  // namespace

std::vector<std::string> ImageArguments(int argc, const char* const argv[]) {
  std::vector<std::string> arguments(argv + (argc > 0 ? 1 : 0), argv + argc);
  const std::string name = argc == 0 ? "" : std::filesystem::path(argv[0]).filename().string();
  if (name != "docker-entrypoint.sh" && name != "entrypoint.sh") return arguments;
  const std::string first = arguments.empty() ? "" : arguments[0];
  if (first == "supertokens" || first == "gatehouse") {
    arguments.erase(arguments.begin());
  } else if (first.empty() || first[0] == '-' || IsMode(first)) {
    arguments.insert(arguments.begin(), "start");
  } else {
    RunInstead(std::move(arguments));
  }
  // Its modes, which say nothing any more.
  if (arguments.size() > 1 && arguments[0] == "start" && IsMode(arguments[1])) {
    arguments.erase(arguments.begin() + 1);
  }
  LeaveRoot();
  ChooseTemporaryDirectory();
  return arguments;
}

}  // namespace gatehouse::process
