#include "libs/process/data_dir.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

namespace gatehouse::process {
namespace {

// The directory itself, or of those above it the nearest that is there.
std::filesystem::path NearestExisting(const std::string& directory) {
  std::error_code unreadable;
  std::filesystem::path place = std::filesystem::absolute(directory, unreadable);
  while (place.has_relative_path() && !std::filesystem::exists(place, unreadable)) {
    place = place.parent_path();
  }
  return place;
}

}  // namespace

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

bool GoesWithContainer(const std::string& directory) {
  // Docker's and Podman's marks, and what Kubernetes gives every container.
  if (::access("/.dockerenv", F_OK) != 0 && ::access("/run/.containerenv", F_OK) != 0 &&
      std::getenv("KUBERNETES_SERVICE_HOST") == nullptr) {
    return false;
  }
  // By mounts, not by devices: a volume may lie on the device that containers are on.
  struct statx root, here;
  struct statfs kind;
  const std::filesystem::path place = NearestExisting(directory);
  if (::statx(AT_FDCWD, "/", 0, STATX_MNT_ID, &root) != 0 ||
      ::statx(AT_FDCWD, place.c_str(), 0, STATX_MNT_ID, &here) != 0 ||
      (root.stx_mask & here.stx_mask & STATX_MNT_ID) == 0 || ::statfs(place.c_str(), &kind) != 0) {
    return false;
  }
  return root.stx_mnt_id == here.stx_mnt_id || kind.f_type == TMPFS_MAGIC;
}

bool IsReadOnly(const std::string& directory) {
  struct statvfs file_system;
  return ::statvfs(NearestExisting(directory).c_str(), &file_system) == 0 &&
         (file_system.f_flag & ST_RDONLY) != 0;
}

}  // namespace gatehouse::process
