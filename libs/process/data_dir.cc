#include "libs/process/data_dir.h"

#include <pwd.h>
#include <unistd.h>

#include <cstdlib>

namespace gatehouse::process {

absl::StatusOr<std::string> DefaultDataDir() {
  if (::geteuid() == 0) return std::string("/var/lib/gatehouse");
  // The specification wants relative paths ignored.
  if (const char* data = std::getenv("XDG_DATA_HOME"); data != nullptr && data[0] == '/') {
    return std::string(data) + "/gatehouse";
  }
  const char* home = std::getenv("HOME");
  if (home == nullptr || home[0] != '/') {
    const passwd* entry = ::getpwuid(::geteuid());
    home = entry != nullptr ? entry->pw_dir : nullptr;
  }
  if (home != nullptr && home[0] == '/' && home[1] != '\0' && ::access(home, F_OK) == 0) {
    return std::string(home) + "/.local/share/gatehouse";
  }
  return absl::FailedPreconditionError(
      "This user has no home directory for the embedded PostgreSQL's data. Name one with "
      "--data-dir, or set postgresql_connection_uri");
}

}  // namespace gatehouse::process
