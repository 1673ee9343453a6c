#pragma once

// Private to libs/db: what a Result holds.

#include <pqxx/result>
#include <string_view>
#include <utility>

#include "absl/container/inlined_vector.h"

namespace gatehouse::db {

// The driver makes two objects that share the result each time a value is asked for, so that the
// values are looked up here once, by its iterators.
struct ResultData {
  explicit ResultData(pqxx::result r);

  const pqxx::result result;
  const int rows;
  const int columns;
  // Row by row; a NULL has no data. Most results are one row.
  absl::InlinedVector<std::string_view, 16> values;
};

}  // namespace gatehouse::db
