#include "libs/testing/pg_test_server.h"

#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "libs/base/steady_time.h"
#include "libs/db/migrator.h"

namespace gatehouse::testing {
namespace {

constexpr char kTemplate[] = "migrated";

void DieUnless(const absl::Status& status, std::string_view what) {
  if (status.ok()) return;
  std::fprintf(stderr, "test database: %s: %s %s\n", std::string(what).c_str(),
               std::string(status.message()).c_str(), db::DatabaseCause(status).c_str());
  std::abort();
}

}  // namespace

absl::Time Soon() { return SteadyNow() + absl::Seconds(30); }

std::unique_ptr<db::Database> OpenDatabase(db::DatabaseOptions options) {
  auto database = db::Database::Create(std::move(options));
  DieUnless(database.status(), "open");
  return *std::move(database);
}

TestPostgres& TestPostgres::Shared() {
  static TestPostgres server;
  return server;
}

TestPostgres::TestPostgres() {
  // In memory, where scripts/test.sh found room for that.
  if (const char* data = std::getenv("GATEHOUSE_TEST_DATA")) ::setenv("TMPDIR", data, 1);
  auto server = db::EmbeddedPostgres::Start({.ephemeral = true});
  DieUnless(server.status(), "start");
  server_ = *std::move(server);
  db::DatabaseOptions options = server_->database_options();
  options.pool_size = 1;
  admin_ = OpenDatabase(std::move(options));
}

std::string TestPostgres::Create(const std::string& source) {
  const std::string name = absl::StrCat("test_", next_++);
  DieUnless(
      admin_->ExecuteScript(Soon(), absl::StrCat("CREATE DATABASE ", name, " TEMPLATE ", source)),
      "create");
  return name;
}

db::DatabaseOptions TestPostgres::CreateEmptyDatabaseOptions() {
  db::DatabaseOptions options = server_->database_options();
  options.dbname = Create("template0");
  return options;
}

db::DatabaseOptions TestPostgres::CreateDatabaseOptions() {
  std::call_once(template_made_, [this] {
    DieUnless(admin_->ExecuteScript(Soon(), absl::StrCat("CREATE DATABASE ", kTemplate)),
              "create template");
    db::DatabaseOptions options = server_->database_options();
    options.dbname = kTemplate;
    DieUnless(db::Migrate(*OpenDatabase(std::move(options)), Soon()), "migrate");
  });
  db::DatabaseOptions options = server_->database_options();
  options.dbname = Create(kTemplate);
  return options;
}

std::unique_ptr<db::Database> TestPostgres::CreateDatabase(int pool_size) {
  db::DatabaseOptions options = CreateDatabaseOptions();
  options.pool_size = pool_size;
  return OpenDatabase(std::move(options));
}

}  // namespace gatehouse::testing
