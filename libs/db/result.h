#pragma once

// The rows that a statement returned.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace gatehouse::db {

struct ResultData;

// One row: a view that is valid as long as its Result (or a copy of it). Columns count from 0.
// Reading a column that does not exist, or a number from a column that holds none, is a programmer
// error: it aborts. SQL NULL reads as empty, 0 or false; use IsNull or OptX if NULL has a meaning.
class Row {
 public:
  bool IsNull(int column) const;
  std::string_view Text(int column) const;
  // Without the blanks that CHAR(n) columns are padded with.
  std::string_view Trimmed(int column) const;
  std::optional<std::string> OptText(int column) const;
  std::optional<std::string> OptTrimmed(int column) const;
  int64_t Int64(int column) const;
  std::optional<int64_t> OptInt64(int column) const;
  bool Bool(int column) const;
  // A BYTEA column's raw bytes.
  std::string Bytes(int column) const;

 private:
  friend class Result;
  Row(const ResultData* data, int row) : data_(data), row_(row) {}

  const ResultData* data_;
  int row_;
};

// A statement's whole result, in memory. Copies share it. Reading is thread-safe.
class Result {
 public:
  class Iterator {
   public:
    using difference_type = std::ptrdiff_t;
    using value_type = Row;
    Row operator*() const { return Row(data_, row_); }
    Iterator& operator++() {
      ++row_;
      return *this;
    }
    bool operator==(const Iterator& other) const { return row_ == other.row_; }

   private:
    friend class Result;
    Iterator(const ResultData* data, int row) : data_(data), row_(row) {}
    const ResultData* data_;
    int row_;
  };

  Result() = default;
  explicit Result(std::shared_ptr<const ResultData> data) : data_(std::move(data)) {}

  // Rows that came back.
  int rows() const;
  bool empty() const { return rows() == 0; }
  // Rows that an INSERT, UPDATE or DELETE touched.
  int64_t affected() const;

  // `row` < rows().
  Row operator[](int row) const { return Row(data_.get(), row); }
  Row front() const { return (*this)[0]; }
  Iterator begin() const { return Iterator(data_.get(), 0); }
  Iterator end() const { return Iterator(data_.get(), rows()); }

 private:
  std::shared_ptr<const ResultData> data_;
};

}  // namespace gatehouse::db
