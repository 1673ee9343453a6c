#include "libs/porting/private_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <utility>

#include "libs/base/status.h"
#include "libs/base/strings.h"

namespace gatehouse::porting {
namespace {

constexpr size_t kBufferBytes = 256 * 1024;
constexpr mode_t kMode = 0600;

absl::Status Failed(std::string_view path, std::string_view what) {
  const int error = errno;
  return absl::UnavailableError(
      StrCat(path.empty() ? "standard output" : path, ": ", what, ": ", std::strerror(error)));
}

// A rename is on the disk once its directory is.
void SyncDirectoryOf(const std::string& path) {
  const std::string directory = std::filesystem::path(path).parent_path().string();
  const int descriptor =
      ::open(directory.empty() ? "." : directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::close(descriptor);
}

}  // namespace

absl::StatusOr<PrivateFile> PrivateFile::Create(const std::string& path) {
  if (path == "-") {
    PrivateFile file;
    file.descriptor_ = STDOUT_FILENO;
    return file;
  }
  struct stat found;
  if (::lstat(path.c_str(), &found) == 0) {
    return absl::InvalidArgumentError(StrCat(path, " is there already"));
  }
  return Begin(path);
}

absl::StatusOr<PrivateFile> PrivateFile::Begin(const std::string& path) {
  PrivateFile file;
  file.path_ = path;
  file.pending_ = path + ".part";
  // What an earlier run left behind. A link of somebody else's is not followed.
  ::unlink(file.pending_.c_str());
  file.descriptor_ = ::open(file.pending_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kMode);
  if (file.descriptor_ < 0) {
    const std::string pending = std::exchange(file.pending_, "");
    return Failed(pending, "can't be created");
  }
  return file;
}

absl::StatusOr<PrivateFile> PrivateFile::Continue(const std::string& path, int64_t size) {
  PrivateFile file;
  file.path_ = path;
  file.descriptor_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, kMode);
  if (file.descriptor_ < 0) return Failed(path, "can't be opened");
  if (::fchmod(file.descriptor_, kMode) != 0 || ::ftruncate(file.descriptor_, size) != 0 ||
      ::lseek(file.descriptor_, size, SEEK_SET) < 0) {
    return Failed(path, "can't be written");
  }
  file.size_ = size;
  return file;
}

PrivateFile::PrivateFile(PrivateFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      path_(std::move(other.path_)),
      pending_(std::exchange(other.pending_, "")),
      buffer_(std::move(other.buffer_)),
      size_(other.size_) {}

PrivateFile::~PrivateFile() {
  if (descriptor_ >= 0 && descriptor_ != STDOUT_FILENO) ::close(descriptor_);
  if (!pending_.empty()) ::unlink(pending_.c_str());
}

absl::Status PrivateFile::Append(std::string_view text) {
  buffer_.append(text);
  size_ += static_cast<int64_t>(text.size());
  return buffer_.size() < kBufferBytes ? absl::OkStatus() : Flush();
}

absl::Status PrivateFile::Flush() {
  std::string_view rest = buffer_;
  while (!rest.empty()) {
    const ssize_t written = ::write(descriptor_, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Failed(path_, "can't be written");
    rest.remove_prefix(static_cast<size_t>(written));
  }
  buffer_.clear();
  return absl::OkStatus();
}

absl::Status PrivateFile::Sync() {
  RETURN_IF_ERROR(Flush());
  // Pipes have no disk.
  if (!path_.empty() && ::fsync(descriptor_) != 0) return Failed(path_, "can't be written");
  return absl::OkStatus();
}

absl::Status PrivateFile::Finish() {
  RETURN_IF_ERROR(Sync());
  if (pending_.empty()) return absl::OkStatus();
  if (::rename(pending_.c_str(), path_.c_str()) != 0) return Failed(path_, "can't be named");
  pending_.clear();
  SyncDirectoryOf(path_);
  return absl::OkStatus();
}

absl::Status ReplacePrivateFile(const std::string& path, std::string_view text) {
  ASSIGN_OR_RETURN(PrivateFile file, PrivateFile::Begin(path));
  RETURN_IF_ERROR(file.Append(text));
  return file.Finish();
}

}  // namespace gatehouse::porting
