#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace gatehouse::porting {

// How far an import has come: a small file beside the input, replaced as a whole after each step,
// so that a killed one goes on where it was. It has nothing of any user.
struct ImportState {
  // What the import is of; another file, server or way to read it starts a new one.
  std::string input;  // size and time of the last change
  std::string target;
  std::string from;

  int64_t records = 0;       // read, and either in the server's queue or in the file of failures
  int64_t posted = 0;        // of these, in the queue
  int64_t failed = 0;        // of these, in the file of failures
  int64_t failed_bytes = 0;  // of that file, which may be longer after a kill
  // The next records, which a request is adding: the queue has all of them but `rejected`, or none.
  int64_t sending = 0;
  std::set<int64_t> rejected;    // positions of those in the file of failures
  int64_t sending_since_ms = 0;  // wall time
  // The newest user of the queue: before the first of this import, and before those of `sending`.
  int64_t queue_before_ms = 0;
  int64_t queue_before_sending_ms = 0;
  bool all_posted = false;
  bool done = false;

  static std::string PathFor(const std::string& input_path) {
    return input_path + ".gatehouse-import";
  }
  // NotFound when there is none.
  static absl::StatusOr<ImportState> Read(const std::string& path);
  absl::Status Write(const std::string& path) const;
};

// Size and time of the last change.
absl::StatusOr<std::string> IdentityOfFile(const std::string& path);

}  // namespace gatehouse::porting
