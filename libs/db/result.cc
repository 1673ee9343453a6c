#include "libs/db/result.h"

#include <charconv>
#include <cstdio>
#include <cstdlib>

#include "libs/db/result_data.h"

namespace gatehouse::db {
namespace {

[[noreturn]] void Die(const char* what, int row, int column) {
  std::fprintf(stderr, "database result: %s (row %d, column %d)\n", what, row, column);
  std::abort();
}

// A value that is NULL has no data.
bool Null(std::string_view value) { return value.data() == nullptr; }

std::string_view At(const ResultData* data, int row, int column) {
  if (data == nullptr || row < 0 || row >= data->rows || column < 0 || column >= data->columns) {
    Die("no such value", row, column);
  }
  return data->values[static_cast<size_t>(row) * static_cast<size_t>(data->columns) +
                      static_cast<size_t>(column)];
}

std::string_view TrimBlanks(std::string_view text) {
  const size_t last = text.find_last_not_of(' ');
  return last == std::string_view::npos ? std::string_view() : text.substr(0, last + 1);
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

}  // namespace

ResultData::ResultData(pqxx::result r)
    : result(std::move(r)),
      rows(static_cast<int>(result.size())),
      columns(static_cast<int>(result.columns())) {
  values.reserve(static_cast<size_t>(rows) * static_cast<size_t>(columns));
  for (const pqxx::row& row : result) {
    for (const pqxx::field& field : row) {
      values.push_back(field.is_null() ? std::string_view()
                                       : std::string_view(field.c_str(), field.size()));
    }
  }
}

bool Row::IsNull(int column) const { return Null(At(data_, row_, column)); }

std::string_view Row::Text(int column) const { return At(data_, row_, column); }

std::string_view Row::Trimmed(int column) const { return TrimBlanks(Text(column)); }

std::optional<std::string> Row::OptText(int column) const {
  const std::string_view value = At(data_, row_, column);
  if (Null(value)) return std::nullopt;
  return std::string(value);
}

std::optional<std::string> Row::OptTrimmed(int column) const {
  const std::string_view value = At(data_, row_, column);
  if (Null(value)) return std::nullopt;
  return std::string(TrimBlanks(value));
}

std::optional<int64_t> Row::OptInt64(int column) const {
  const std::string_view value = At(data_, row_, column);
  if (Null(value)) return std::nullopt;
  int64_t number = 0;
  const char* end = value.data() + value.size();
  const auto [ptr, error] = std::from_chars(value.data(), end, number);
  if (error != std::errc() || ptr != end) Die("not a 64-bit integer", row_, column);
  return number;
}

int64_t Row::Int64(int column) const { return OptInt64(column).value_or(0); }

bool Row::Bool(int column) const {
  const std::string_view value = At(data_, row_, column);
  if (Null(value) || value == "f") return false;
  if (value != "t") Die("not a boolean", row_, column);
  return true;
}

std::string Row::Bytes(int column) const {
  const std::string_view value = At(data_, row_, column);
  std::string bytes;
  if (Null(value)) return bytes;
  if (!value.starts_with("\\x") || value.size() % 2 != 0) {
    Die("not bytes in hex form", row_, column);
  }
  bytes.reserve(value.size() / 2 - 1);
  for (size_t i = 2; i < value.size(); i += 2) {
    const int high = HexDigit(value[i]);
    const int low = HexDigit(value[i + 1]);
    if (high < 0 || low < 0) Die("not bytes in hex form", row_, column);
    bytes += static_cast<char>(high * 16 + low);
  }
  return bytes;
}

int Result::rows() const { return data_ == nullptr ? 0 : data_->rows; }

int64_t Result::affected() const {
  return data_ == nullptr ? 0 : static_cast<int64_t>(data_->result.affected_rows());
}

}  // namespace gatehouse::db
