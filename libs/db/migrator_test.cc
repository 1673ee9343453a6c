#include "libs/db/migrator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <latch>
#include <set>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "libs/base/status.h"
#include "libs/db/migrations.h"
#include "libs/db/service_roles.h"
#include "libs/testing/pg_test_server.h"

namespace gatehouse::db {
namespace {

using ::gatehouse::testing::OpenDatabase;
using ::gatehouse::testing::Soon;
using ::gatehouse::testing::TestPostgres;

constexpr Statement kCountTables = {
    "count_tables",
    "SELECT COUNT(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE n.nspname = $1 AND c.relkind IN ('r', 'p')"};
constexpr Statement kIndexes = {"indexes", "SELECT indexname FROM pg_indexes WHERE tablename = $1"};
constexpr Statement kConstraint = {"constraint",
                                   "SELECT COUNT(*) FROM pg_constraint WHERE conname = $1"};
// The 53 of the original, three partitions of activity_log, our own record, four that the users
// service keeps for listing and counting, and one in which the tenants service numbers tenants.
constexpr int64_t kTables = 72;

TEST(Migrator, MakesEveryTableAndRecordsIt) {
  auto database = OpenDatabase(TestPostgres::Shared().CreateEmptyDatabaseOptions());
  auto before = SchemaIsCurrent(*database, Soon());
  ASSERT_TRUE(before.ok());
  EXPECT_FALSE(*before);

  const absl::Status status = Migrate(*database, Soon());
  ASSERT_TRUE(status.ok()) << DatabaseCause(status);
  auto tables = database->Execute(Soon(), kCountTables, {"public"});
  ASSERT_TRUE(tables.ok());
  EXPECT_EQ(tables->front().Int64(0), kTables);
  EXPECT_TRUE(*SchemaIsCurrent(*database, Soon()));

  // Nothing to do the second time.
  int64_t steps = 0;
  EXPECT_TRUE(Migrate(*database, Soon(), [&](std::string_view) { ++steps; }).ok());
  EXPECT_EQ(steps, 0);
}

TEST(Migrator, EveryMigrationBelongsToAServiceInTheOrder) {
  const std::set<std::string_view> known(MigrationOrder().begin(), MigrationOrder().end());
  for (const Migration& migration : EmbeddedMigrations()) {
    EXPECT_TRUE(known.contains(migration.service)) << migration.service;
  }
  EXPECT_THAT(TablesOf("session"), ::testing::ElementsAre("session_info"));
}

TEST(Migrator, ManyAtOnceOnAnEmptyDatabaseAllSucceed) {
  const DatabaseOptions options = TestPostgres::Shared().CreateEmptyDatabaseOptions();
  constexpr int kInstances = 4;
  std::vector<absl::Status> outcomes(kInstances);
  std::latch start(kInstances);
  {
    std::vector<std::jthread> instances;
    for (int i = 0; i < kInstances; ++i) {
      instances.emplace_back([&, i] {
        auto database = OpenDatabase(options);
        start.arrive_and_wait();
        outcomes[i] = Migrate(*database, Soon());
      });
    }
  }
  for (const absl::Status& outcome : outcomes) {
    EXPECT_TRUE(outcome.ok()) << DatabaseCause(outcome);
  }
  auto tables = OpenDatabase(options)->Execute(Soon(), kCountTables, {"public"});
  EXPECT_EQ(tables->front().Int64(0), kTables);
}

TEST(Migrator, SchemaAndPrefixAndCustomNames) {
  DatabaseOptions options = TestPostgres::Shared().CreateEmptyDatabaseOptions();
  options.tables = *TableNames::Create("st", "pre", {{"session_info", "my_sessions"}});
  auto database = OpenDatabase(options);
  const absl::Status status = Migrate(*database, Soon());
  ASSERT_TRUE(status.ok()) << DatabaseCause(status);
  EXPECT_EQ(database->Execute(Soon(), kCountTables, {"st"})->front().Int64(0), kTables);
  EXPECT_EQ(database->Execute(Soon(), kCountTables, {"public"})->front().Int64(0), 0);
  for (const char* name : {"pre_emailpassword_users_pkey", "my_sessions_pkey",
                           "my_sessions_tenant_id_fkey", "pre_tenants_app_id_fkey"}) {
    EXPECT_EQ(database->Execute(Soon(), kConstraint, {name})->front().Int64(0), 1) << name;
  }
  // Index names have no prefix.
  auto indexes = database->Execute(Soon(), kIndexes, {"my_sessions"});
  std::set<std::string> names;
  for (const Row row : *indexes) names.emplace(row.Text(0));
  EXPECT_TRUE(names.contains("session_expiry_index"));
}

// The tables as a core before 12.0 creates them.
constexpr char kOldTables[] = R"(
CREATE TABLE apps (app_id VARCHAR(64) NOT NULL DEFAULT 'public', created_at_time BIGINT,
  CONSTRAINT apps_pkey PRIMARY KEY (app_id));
CREATE TABLE app_id_to_user_id (app_id VARCHAR(64) NOT NULL DEFAULT 'public',
  user_id CHAR(36) NOT NULL, recipe_id VARCHAR(128) NOT NULL,
  primary_or_recipe_user_id CHAR(36) NOT NULL,
  is_linked_or_is_a_primary_user BOOLEAN NOT NULL DEFAULT FALSE,
  CONSTRAINT app_id_to_user_id_pkey PRIMARY KEY (app_id, user_id));
INSERT INTO apps VALUES ('public', 1);
INSERT INTO app_id_to_user_id VALUES ('public', 'u1', 'emailpassword', 'u1', false);
)";

TEST(Migrator, CompletesTheTablesOfAnOlderCore) {
  auto database = OpenDatabase(TestPostgres::Shared().CreateEmptyDatabaseOptions());
  ASSERT_TRUE(database->ExecuteScript(Soon(), kOldTables).ok());
  const absl::Status status = Migrate(*database, Soon());
  ASSERT_TRUE(status.ok()) << DatabaseCause(status);

  constexpr Statement kOldUser = {"old_user", "SELECT user_id, time_joined FROM app_id_to_user_id"};
  auto users = database->Execute(Soon(), kOldUser);
  ASSERT_TRUE(users.ok());
  ASSERT_EQ(users->rows(), 1);
  EXPECT_EQ(users->front().Trimmed(0), "u1");
  EXPECT_EQ(users->front().Int64(1), 0);
  auto indexes = database->Execute(Soon(), kIndexes, {"app_id_to_user_id"});
  std::set<std::string> names;
  for (const Row row : *indexes) names.emplace(row.Text(0));
  EXPECT_TRUE(names.contains("app_id_to_user_id_pagination_index1"));
  EXPECT_TRUE(*SchemaIsCurrent(*database, Soon()));
}

TEST(ServiceRoles, ReachTheirOwnTablesOnly) {
  auto admin = TestPostgres::Shared().CreateDatabase();
  // Twice: it is run after every migration.
  for (int i = 0; i < 2; ++i) {
    const absl::Status status = CreateServiceRoles(*admin, Soon(), {{"session", "it's secret"}});
    ASSERT_TRUE(status.ok()) << DatabaseCause(status);
  }
  DatabaseOptions options = admin->options();
  options.user = ServiceRole("session");
  auto session = OpenDatabase(options);
  constexpr Statement kOwn = {"own", "SELECT session_handle FROM {session_info}"};
  constexpr Statement kOther = {"other", "SELECT user_id FROM {emailpassword_users}"};
  EXPECT_TRUE(session->Execute(Soon(), kOwn).ok());
  auto other = session->Execute(Soon(), kOther);
  EXPECT_EQ(ReasonOf(other.status()), ErrorReason::kInternal);
  EXPECT_THAT(DatabaseCause(other.status()), ::testing::HasSubstr("42501"));
  EXPECT_FALSE(session->ExecuteScript(Soon(), "CREATE TABLE mine (x INT)").ok());
  EXPECT_TRUE(*SchemaIsCurrent(*session, Soon()));

  // A foreign key to another service's table is enforced without rights on that table.
  constexpr Statement kInsert = {
      "insert",
      "INSERT INTO {session_info} (app_id, tenant_id, session_handle, user_id, "
      "refresh_token_hash_2, expires_at, created_at_time, use_static_key) "
      "VALUES ('nosuch', 'public', 'h', 'u', 'x', 1, 1, false)"};
  auto inserted = session->Execute(Soon(), kInsert);
  EXPECT_TRUE(ViolatesConstraint(inserted.status(), "session_info_tenant_id_fkey"));
}

}  // namespace
}  // namespace gatehouse::db
