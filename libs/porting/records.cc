#include "libs/porting/records.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "libs/base/json.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"

namespace gatehouse::porting {
namespace {

constexpr size_t kMaxRecordBytes = 16 * 1024 * 1024;
constexpr size_t kBufferBytes = 256 * 1024;
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

bool IsBlank(int c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

}  // namespace

absl::StatusOr<Records> Records::Open(const std::string& path, Layout layout, std::string member) {
  Records records;
  std::error_code failed;
  if (!std::filesystem::is_regular_file(path, failed)) {
    return absl::NotFoundError(StrCat(path, " is not a file"));
  }
  records.size_ = static_cast<int64_t>(std::filesystem::file_size(path, failed));
  records.file_.open(path, std::ios::binary);
  if (!records.file_) return absl::NotFoundError(StrCat(path, " can't be read"));
  records.layout_ = layout;
  records.member_ = std::move(member);
  if (layout == Layout::kCsv) {
    ASSIGN_OR_RETURN(const bool there, records.ReadRow(records.header_));
    if (!there) return absl::InvalidArgumentError("the file has no header");
    std::string& first = records.header_.front();
    if (first.starts_with(kByteOrderMark)) first.erase(0, kByteOrderMark.size());
  }
  return records;
}

bool Records::Fill() {
  if (at_ < buffer_.size()) return true;
  buffer_.resize(kBufferBytes);
  file_.read(buffer_.data(), static_cast<std::streamsize>(buffer_.size()));
  buffer_.resize(static_cast<size_t>(file_.gcount()));
  at_ = 0;
  return !buffer_.empty();
}

int Records::Get() {
  if (!Fill()) return -1;
  const char c = buffer_[at_++];
  ++position_;
  if (c == '\n') ++line_;
  return static_cast<unsigned char>(c);
}

absl::Status Records::AppendUntil(std::string_view stops, std::string& text) {
  while (Fill()) {
    const std::string_view rest = std::string_view(buffer_).substr(at_);
    const size_t stop = rest.find_first_of(stops);
    const std::string_view run = rest.substr(0, stop);
    if (text.size() + run.size() > kMaxRecordBytes) return TooLarge();
    text += run;
    if (stops != "\n") line_ += std::count(run.begin(), run.end(), '\n');
    at_ += run.size();
    position_ += static_cast<int64_t>(run.size());
    if (stop != std::string_view::npos) break;
  }
  return absl::OkStatus();
}

absl::Status Records::TooLarge() const {
  return absl::InvalidArgumentError(
      StrCat("line ", std::to_string(line_), ": more than 16 MiB for one user"));
}

absl::Status Records::Truncated() const {
  return absl::InvalidArgumentError(
      StrCat("line ", std::to_string(line_), ": the file ends in the middle of a user"));
}

absl::StatusOr<bool> Records::Next(Record& record) {
  switch (layout_) {
    case Layout::kLines:
      return NextLine(record);
    case Layout::kArray:
      return NextElement(record);
    case Layout::kCsv:
      return NextRow(record);
  }
  return false;
}

absl::StatusOr<bool> Records::NextLine(Record& record) {
  while (true) {
    record.text.clear();
    record.line = line_;
    RETURN_IF_ERROR(AppendUntil("\n", record.text));
    const bool ended = Get() < 0;
    if (!std::all_of(record.text.begin(), record.text.end(), IsBlank)) return true;
    if (ended) return false;
  }
}

absl::StatusOr<std::string> Records::ReadString() {
  std::string text;
  while (true) {
    RETURN_IF_ERROR(AppendUntil("\"\\", text));
    int c = Get();
    if (c == '"') return text;
    if (c == '\\') {
      text += '\\';
      c = Get();
      text += static_cast<char>(c);
    }
    if (c < 0) return Truncated();
  }
}

absl::StatusOr<bool> Records::FindArray() {
  std::string name;  // the string before, in the outermost object
  for (int c; (c = Get()) >= 0;) {
    if (c == '"') {
      ASSIGN_OR_RETURN(name, ReadString());
    } else if (c == '[' && (depth_ == 0 || (depth_ == 1 && name == member_))) {
      in_array_ = true;
      ++arrays_;
      return true;
    } else if (c == '{' || c == '[') {
      ++depth_;
    } else if (c == '}' || c == ']') {
      --depth_;
    } else if (c != ':' && !IsBlank(c)) {
      name.clear();
    }
  }
  if (arrays_ > 0) return false;
  return absl::InvalidArgumentError(StrCat("the file has no array \"", member_, "\""));
}

absl::StatusOr<bool> Records::NextElement(Record& record) {
  while (true) {
    if (!in_array_) {
      ASSIGN_OR_RETURN(const bool found, FindArray());
      if (!found) return false;
    }
    int c = Get();
    while (IsBlank(c) || c == ',') c = Get();
    if (c < 0) return Truncated();
    if (c == ']') {
      in_array_ = false;  // another may follow, in files put together from pages
      continue;
    }
    if (c != '{') {
      return absl::InvalidArgumentError(
          StrCat("line ", std::to_string(line_), ": a user must be an object"));
    }
    record.line = line_;
    record.text.assign(1, '{');
    for (int depth = 1; depth > 0;) {
      RETURN_IF_ERROR(AppendUntil("\"{}[]", record.text));
      if ((c = Get()) < 0) return Truncated();
      record.text += static_cast<char>(c);
      if (c == '"') {
        ASSIGN_OR_RETURN(const std::string text, ReadString());
        record.text += text;
        record.text += '"';
      } else if (c == '{' || c == '[') {
        ++depth;
      } else if (c == '}' || c == ']') {
        --depth;
      }
      if (record.text.size() > kMaxRecordBytes) return TooLarge();
    }
    return true;
  }
}

// Debian has libcsv; this is shorter than its callbacks, and bounded.
absl::StatusOr<bool> Records::ReadRow(std::vector<std::string>& fields) {
  fields.assign(1, "");
  bool quoted = false;
  bool empty = true;
  size_t bytes = 0;
  for (int c; (c = Get()) >= 0;) {
    if (++bytes > kMaxRecordBytes) return TooLarge();
    if (quoted) {
      if (c != '"') {
        fields.back() += static_cast<char>(c);
        continue;
      }
      // Two quotes are one; a single one ends the field.
      if ((c = Get()) == '"') {
        fields.back() += '"';
        continue;
      }
      quoted = false;
      if (c < 0) return true;
    }
    if (c == '"' && fields.back().empty()) {
      quoted = true;
      empty = false;
    } else if (c == ',') {
      fields.emplace_back();
      empty = false;
    } else if (c == '\n') {
      if (!empty) return true;
      fields.assign(1, "");
    } else if (c != '\r') {
      fields.back() += static_cast<char>(c);
      empty = false;
    }
  }
  if (quoted) return Truncated();
  return !empty;
}

absl::StatusOr<bool> Records::NextRow(Record& record) {
  record.line = line_;
  std::vector<std::string> fields;
  ASSIGN_OR_RETURN(const bool there, ReadRow(fields));
  if (!there) return false;
  json::Value row = json::Value::Object();
  for (size_t i = 0; i < fields.size() && i < header_.size(); ++i) {
    if (!fields[i].empty()) row.Set(header_[i], fields[i]);
  }
  record.text = json::Serialize(row);
  return true;
}

}  // namespace gatehouse::porting
