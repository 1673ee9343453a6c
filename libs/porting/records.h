#pragma once

#include <cstdint>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace gatehouse::porting {

// One user as the file has it.
struct Record {
  int64_t line = 0;  // where it begins; from 1
  std::string text;  // JSON
};

// The users of an export file, one at a time: memory is bounded by the largest, 16 MiB. For one
// thread.
class Records {
 public:
  enum class Layout {
    kLines,  // a JSON document a line; empty lines are skipped
    kArray,  // the objects of a JSON array: the document itself, or a member of it
    kCsv,    // RFC 4180 with a header: each row is an object of strings
  };
  // `member`: of kArray, the name of the array. NotFound when there is no such file.
  static absl::StatusOr<Records> Open(const std::string& path, Layout layout,
                                      std::string member = "");

  // False at the end. InvalidArgument for a record beyond the limit, for text that ends in the
  // middle of one, and for a file that is no array of such objects.
  absl::StatusOr<bool> Next(Record& record);

  // Bytes read, and of the whole file.
  int64_t position() const { return position_; }
  int64_t size() const { return size_; }

 private:
  Records() = default;
  // Whether there are bytes in the buffer, after reading some if there were none.
  bool Fill();
  // The next byte, or -1 at the end.
  int Get();
  // Moves the bytes before the next one of `stops` to `text`: all at once, since files are large.
  absl::Status AppendUntil(std::string_view stops, std::string& text);
  absl::Status TooLarge() const;
  absl::StatusOr<bool> NextLine(Record& record);
  absl::StatusOr<bool> NextElement(Record& record);
  absl::StatusOr<bool> NextRow(Record& record);
  absl::StatusOr<bool> ReadRow(std::vector<std::string>& fields);
  // Reads up to the beginning of the next array of users. False at the end.
  absl::StatusOr<bool> FindArray();
  // The rest of a string, after its first quote, as it is written.
  absl::StatusOr<std::string> ReadString();
  absl::Status Truncated() const;

  std::ifstream file_;
  std::string buffer_;
  size_t at_ = 0;
  Layout layout_ = Layout::kLines;
  std::string member_;
  std::vector<std::string> header_;
  bool in_array_ = false;
  int64_t arrays_ = 0;
  int depth_ = 0;  // of FindArray, between calls
  int64_t line_ = 1;
  int64_t position_ = 0;
  int64_t size_ = 0;
};

}  // namespace gatehouse::porting
