#pragma once

// A PostgreSQL server for tests.

#include <atomic>
#include <memory>
#include <mutex>
#include <string>

#include "libs/db/database.h"
#include "libs/db/embedded_postgres.h"

namespace gatehouse::testing {

// One temporary server per test program, started when first needed, gone at its end. Each test
// takes its own database. Thread-safe. A failing set-up aborts the program with a message.
class TestPostgres {
 public:
  static TestPostgres& Shared();

  // Options of a fresh database with all tables (a copy of a migrated one: some 30 ms).
  db::DatabaseOptions CreateDatabaseOptions();
  // The same, opened.
  std::unique_ptr<db::Database> CreateDatabase(int pool_size = 4);
  // Options of a fresh database without tables.
  db::DatabaseOptions CreateEmptyDatabaseOptions();

  db::EmbeddedPostgres& server() { return *server_; }

 private:
  TestPostgres();
  std::string Create(const std::string& source);

  std::unique_ptr<db::EmbeddedPostgres> server_;
  std::unique_ptr<db::Database> admin_;
  std::once_flag template_made_;
  std::atomic<int> next_{1};
};

// Opens a database or aborts.
std::unique_ptr<db::Database> OpenDatabase(db::DatabaseOptions options);

// A deadline that a passing test never reaches.
absl::Time Soon();

}  // namespace gatehouse::testing
