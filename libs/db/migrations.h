#pragma once

// The SQL files of migrations/, compiled in.

#include <string_view>
#include <vector>

namespace gatehouse::db {

struct Migration {
  std::string_view service;
  int version;  // the number that its file's name begins with; counts per service
  std::string_view name;
  std::string_view sql;  // with placeholders as in Statement; statements end with ";\n"
};

// Ordered by version within a service.
const std::vector<Migration>& EmbeddedMigrations();

// All services, ordered so that foreign keys only point to earlier ones.
const std::vector<std::string_view>& MigrationOrder();

// The base names of the tables that a service owns (services/services.json).
std::vector<std::string_view> TablesOf(std::string_view service);

}  // namespace gatehouse::db
