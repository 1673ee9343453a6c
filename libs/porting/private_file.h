#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace gatehouse::porting {

// A file that only its user may read. Writes are collected. For one thread.
class PrivateFile {
 public:
  // A new file for `path`, under a name beside it until Finish: a file at `path` is whole. "-":
  // standard output. InvalidArgument when there is such a file.
  static absl::StatusOr<PrivateFile> Create(const std::string& path);
  // The file at `path`, created if it is missing, from byte `size` on: what follows is cut off.
  static absl::StatusOr<PrivateFile> Continue(const std::string& path, int64_t size);
  PrivateFile(PrivateFile&& other) noexcept;
  PrivateFile& operator=(PrivateFile&&) = delete;
  // Removes what Create made, unless it was finished.
  ~PrivateFile();

  absl::Status Append(std::string_view text);
  // To the disk.
  absl::Status Sync();
  // Sync, and gives it its name.
  absl::Status Finish();
  // With what is not written yet.
  int64_t size() const { return size_; }

 private:
  friend absl::Status ReplacePrivateFile(const std::string& path, std::string_view text);

  PrivateFile() = default;
  // As Create, for a path that may have a file, which Finish replaces.
  static absl::StatusOr<PrivateFile> Begin(const std::string& path);
  absl::Status Flush();

  int descriptor_ = -1;
  std::string path_;     // empty: standard output
  std::string pending_;  // its name until Finish; empty: none
  std::string buffer_;
  int64_t size_ = 0;
};

// Replaces the file at `path` as a whole, for its user only.
absl::Status ReplacePrivateFile(const std::string& path, std::string_view text);

}  // namespace gatehouse::porting
