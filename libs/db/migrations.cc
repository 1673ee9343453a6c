#include "libs/db/migrations.h"

#include "libs/base/service_table.h"

namespace gatehouse::db {

const std::vector<std::string_view>& MigrationOrder() {
  static const auto* const order = [] {
    auto* names = new std::vector<std::string_view>;
    for (const ServiceRow& row : ServiceTable()) names->push_back(row.name);
    return names;
  }();
  return *order;
}

std::vector<std::string_view> TablesOf(std::string_view service) {
  for (const ServiceRow& row : ServiceTable()) {
    if (row.name == service) return row.tables;
  }
  return {};
}

}  // namespace gatehouse::db
