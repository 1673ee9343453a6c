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

struct Value {
  bool null;
  std::string_view text;
};

Value At(const ResultData* data, int row, int column) {
  if (data == nullptr || row < 0 || row >= data->rows || column < 0 || column >= data->columns) {
    Die("no such value", row, column);
  }
  const pqxx::field field(data->result[static_cast<pqxx::result::size_type>(row)],
                          static_cast<pqxx::row::size_type>(column));
  if (field.is_null()) return {true, {}};
  return {false, std::string_view(field.c_str(), field.size())};
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

bool Row::IsNull(int column) const { return At(data_, row_, column).null; }

std::string_view Row::Text(int column) const { return At(data_, row_, column).text; }

std::string_view Row::Trimmed(int column) const { return TrimBlanks(Text(column)); }

std::optional<std::string> Row::OptText(int column) const {
  const Value value = At(data_, row_, column);
  if (value.null) return std::nullopt;
  return std::string(value.text);
}

std::optional<std::string> Row::OptTrimmed(int column) const {
  const Value value = At(data_, row_, column);
  if (value.null) return std::nullopt;
  return std::string(TrimBlanks(value.text));
}

std::optional<int64_t> Row::OptInt64(int column) const {
  const Value value = At(data_, row_, column);
  if (value.null) return std::nullopt;
  int64_t number = 0;
  const char* end = value.text.data() + value.text.size();
  const auto [ptr, error] = std::from_chars(value.text.data(), end, number);
  if (error != std::errc() || ptr != end) Die("not a 64-bit integer", row_, column);
  return number;
}

int64_t Row::Int64(int column) const { return OptInt64(column).value_or(0); }

bool Row::Bool(int column) const {
  const Value value = At(data_, row_, column);
  if (value.null || value.text == "f") return false;
  if (value.text != "t") Die("not a boolean", row_, column);
  return true;
}

std::string Row::Bytes(int column) const {
  const Value value = At(data_, row_, column);
  std::string bytes;
  if (value.null) return bytes;
  if (!value.text.starts_with("\\x") || value.text.size() % 2 != 0) {
    Die("not bytes in hex form", row_, column);
  }
  bytes.reserve(value.text.size() / 2 - 1);
  for (size_t i = 2; i < value.text.size(); i += 2) {
    const int high = HexDigit(value.text[i]);
    const int low = HexDigit(value.text[i + 1]);
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
