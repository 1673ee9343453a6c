#pragma once

// Private to libs/db: what a Result holds.

#include <pqxx/result>

namespace gatehouse::db {

struct ResultData {
  explicit ResultData(pqxx::result r)
      : result(std::move(r)),
        rows(static_cast<int>(result.size())),
        columns(static_cast<int>(result.columns())) {}

  const pqxx::result result;
  const int rows;
  const int columns;
};

}  // namespace gatehouse::db
