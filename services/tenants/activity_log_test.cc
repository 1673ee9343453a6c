// The audit log's rows and partitions, on a real database.

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "libs/base/status.h"
#include "libs/db/database.h"
#include "libs/testing/fake_clock.h"
#include "libs/testing/pg_test_server.h"
#include "libs/testing/test_tenants.h"
#include "services/tenants/activity_log_service.h"
#include "services/tenants/pg_activity_log_store.h"

namespace gatehouse::tenants {
namespace {

using gatehouse::testing::ScopeOf;
using gatehouse::testing::Soon;
using gatehouse::testing::TestPostgres;

constexpr int64_t kDayMs = 24 * 3600 * int64_t{1000};

class ActivityLogTest : public ::testing::Test {
 protected:
  static v1::Activity Activity(std::string_view app, std::string_view tenant,
                               std::string_view identifier) {
    v1::Activity activity;
    *activity.mutable_scope() = ScopeOf(app, tenant);
    activity.set_event_type("session_created");
    activity.set_recipe_user_id("recipe");
    activity.set_primary_or_recipe_user_id("primary");
    activity.set_identifier(std::string(identifier));
    activity.set_created_at_ms(1'700'000'000'000);
    return activity;
  }
  absl::Status Append(const std::vector<v1::Activity>& activities) {
    v1::AppendActivitiesRequest request;
    request.mutable_activities()->Assign(activities.begin(), activities.end());
    rpc::CallContext context;
    context.deadline = Soon();
    return service_.AppendActivities(context, request).status();
  }
  // The first column's first row, as text.
  static std::string Ask(db::Database& database, const std::string& sql) {
    static auto& names = *new std::map<std::string, std::string>;  // one per text, never destroyed
    const auto [named, is_new] = names.try_emplace(sql, absl::StrCat("test_", names.size()));
    const auto result =
        database.Execute(Soon(), db::Statement{named->second.c_str(), named->first.c_str()});
    EXPECT_TRUE(result.ok()) << db::DatabaseCause(result.status());
    return result.ok() ? std::string(result->front().Text(0)) : "";
  }
  static void Run(db::Database& database, const std::string& sql) {
    const absl::Status status = database.Transact(
        Soon(), [&](db::Transaction& transaction) { return transaction.ExecuteScript(sql); });
    EXPECT_TRUE(status.ok()) << db::DatabaseCause(status);
  }
  static std::string Partitions(db::Database& database) {
    return Ask(database,
               "SELECT string_agg(inhrelid::regclass::text, ' ' ORDER BY 1) FROM pg_inherits "
               "WHERE inhparent = '{activity_log}'::regclass");
  }

  std::unique_ptr<db::Database> base_ = TestPostgres::Shared().CreateDatabase();
  std::unique_ptr<db::Database> own_ = TestPostgres::Shared().CreateDatabase();
  gatehouse::testing::TestTenants tenants_{*base_};
  gatehouse::testing::FakeClock clock_;
  PgActivityLogStore store_{tenants_, clock_};
  ActivityLogServiceImpl service_{tenants_.directory(), store_};
};

TEST_F(ActivityLogTest, RowsGoToTheirTenantsDatabase) {
  tenants_.Add("public", "public");
  tenants_.AddWithDatabase("public", "far", *own_);
  ASSERT_TRUE(Append({Activity("public", "public", "one"), Activity("public", "far", "two"),
                      Activity("public", "gone", "three"), Activity("public", "public", "")})
                  .ok());
  constexpr char kRows[] =
      "SELECT string_agg(concat_ws(',', app_id, tenant_id, recipe_user_id,"
      " primary_or_recipe_user_id, event_type, status, auth_principal, identifier, created_at,"
      " payload), ' ' ORDER BY id) FROM {activity_log}";
  EXPECT_EQ(Ask(*base_, kRows),
            "public,public,recipe,primary,session_created,success,one,1700000000000 "
            "public,public,recipe,primary,session_created,success,1700000000000");
  EXPECT_EQ(Ask(*own_, kRows),
            "public,far,recipe,primary,session_created,success,two,1700000000000");
}

TEST_F(ActivityLogTest, WhatDoesNotFitIsLeftOut) {
  tenants_.Add("public", "public");
  ASSERT_TRUE(Append({Activity("public", "public", std::string(257, 'x')),
                      Activity("public", "public", std::string(256, 'x'))})
                  .ok());
  EXPECT_EQ(Ask(*base_, "SELECT count(*)::text FROM {activity_log}"), "1");
  EXPECT_EQ(ReasonOf(Append(std::vector<v1::Activity>(1001, Activity("public", "public", "x")))),
            ErrorReason::kBadInput);
}

TEST_F(ActivityLogTest, ADatabaseThatIsAwayKeepsNobodyFromTheOthers) {
  tenants_.Add("public", "public");
  tenants_.AddWithDatabase("public", "far", *own_);
  Run(*own_, "DROP TABLE {activity_log}");
  EXPECT_FALSE(
      Append({Activity("public", "far", "lost"), Activity("public", "public", "kept")}).ok());
  EXPECT_EQ(Ask(*base_, "SELECT string_agg(identifier, ' ') FROM {activity_log}"), "kept");
}

TEST_F(ActivityLogTest, AMonthsPartitionIsThereBeforeItsFirstRow) {
  tenants_.Add("public", "public");
  const std::string made = Partitions(*base_);  // by the migration
  EXPECT_EQ(made, Ask(*base_,
                      "SELECT 'activity_log_default activity_log_p' || to_char(now() AT TIME ZONE"
                      " 'UTC', 'YYYYMM') || ' activity_log_p' || to_char(date_trunc('month',"
                      " now() AT TIME ZONE 'UTC') + interval '1 month', 'YYYYMM')"));
  Run(*base_, "DROP TABLE " + made.substr(made.rfind(' ') + 1));
  ASSERT_TRUE(Append({Activity("public", "public", "one")}).ok());
  EXPECT_EQ(Partitions(*base_), made);
  // Once a month is enough for a process.
  Run(*base_, "DROP TABLE " + made.substr(made.rfind(' ') + 1));
  ASSERT_TRUE(Append({Activity("public", "public", "two")}).ok());
  EXPECT_NE(Partitions(*base_), made);
  clock_.AdvanceMs(31 * kDayMs);
  ASSERT_TRUE(Append({Activity("public", "public", "three")}).ok());
  EXPECT_EQ(Partitions(*base_), made);
}

TEST_F(ActivityLogTest, ABoundOfTheMonthIsTheOriginals) {
  v1::Activity now = Activity("public", "public", "now");
  tenants_.Add("public", "public");
  now.set_created_at_ms(absl::ToUnixMillis(absl::Now()));
  ASSERT_TRUE(Append({now}).ok());
  EXPECT_EQ(Ask(*base_, "SELECT tableoid::regclass::text FROM {activity_log}"),
            Ask(*base_,
                "SELECT 'activity_log_p' || to_char(now() AT TIME ZONE 'UTC', 'YYYYMM')"));
  // The first and the last millisecond of the next month.
  EXPECT_EQ(Ask(*base_,
                "SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE oid = ("
                "SELECT max(inhrelid::regclass::text)::regclass FROM pg_inherits"
                " WHERE inhparent = '{activity_log}'::regclass AND inhrelid::regclass::text LIKE"
                " '%\\_p%')"),
            Ask(*base_,
                "SELECT format('FOR VALUES FROM (''%s'') TO (''%s'')',"
                " (extract(epoch FROM month + interval '1 month') * 1000)::bigint,"
                " (extract(epoch FROM month + interval '2 months') * 1000)::bigint)"
                " FROM date_trunc('month', now() AT TIME ZONE 'UTC') AS month"));
}

TEST_F(ActivityLogTest, WhatHasHadItsTimeGoes) {
  tenants_.Add("public", "public");
  // A month that ended 20 days before the limit, and one that has not been over for long enough.
  Run(*base_,
      "CREATE TABLE {schema}.{~activity_log}_p202001 PARTITION OF {activity_log}"
      " FOR VALUES FROM (1577836800000) TO (1580515200000);\n"
      "DO $$ BEGIN EXECUTE format('CREATE TABLE activity_log_p%s PARTITION OF activity_log"
      " FOR VALUES FROM (%s) TO (%s)',"
      " to_char(date_trunc('month', now() AT TIME ZONE 'UTC') - interval '1 month', 'YYYYMM'),"
      " (extract(epoch FROM date_trunc('month', now() AT TIME ZONE 'UTC') - interval '1 month')"
      " * 1000)::bigint,"
      " (extract(epoch FROM date_trunc('month', now() AT TIME ZONE 'UTC')) * 1000)::bigint);"
      " END $$;\n"
      "CREATE TABLE {schema}.other PARTITION OF {activity_log} FOR VALUES FROM (1) TO (2);\n");
  v1::Activity old = Activity("public", "public", "old");
  old.set_created_at_ms(clock_.NowMs() - 31 * kDayMs - 1);
  v1::Activity fresh = Activity("public", "public", "fresh");
  fresh.set_created_at_ms(clock_.NowMs() - 31 * kDayMs);
  v1::Activity expired = Activity("public", "public", "expired");
  expired.set_created_at_ms(1577836800000);
  ASSERT_TRUE(Append({old, fresh, expired}).ok());
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(Append(std::vector<v1::Activity>(1000, old)).ok());
  }
  const absl::Status cleaned = store_.CleanUp(Soon(), tenants_.directory());
  ASSERT_TRUE(cleaned.ok()) << db::DatabaseCause(cleaned);
  EXPECT_EQ(Ask(*base_, "SELECT string_agg(identifier, ' ') FROM {activity_log}"), "fresh");
  const std::string left = Partitions(*base_);
  EXPECT_EQ(left.find("p202001"), std::string::npos) << left;
  EXPECT_NE(left.find("other"), std::string::npos) << "is not ours to drop: " << left;
  EXPECT_EQ(std::count(left.begin(), left.end(), ' '), 4) << left;
}

// activity_log_retention_days, for partitions and for rows without one.
TEST_F(ActivityLogTest, TheOperatorSaysHowLongRowsAreKept) {
  constexpr char kMakeLastYear[] =
      "DO $$ DECLARE month timestamp := date_trunc('month', now() AT TIME ZONE 'UTC')"
      " - interval '3 months'; BEGIN EXECUTE format('CREATE TABLE IF NOT EXISTS activity_log_p%s"
      " PARTITION OF activity_log FOR VALUES FROM (%s) TO (%s)', to_char(month, 'YYYYMM'),"
      " (extract(epoch FROM month) * 1000)::bigint,"
      " (extract(epoch FROM month + interval '1 month') * 1000)::bigint); END $$";
  const auto clean_up = [&](const char* config) {
    tenants_.Add("public", "public", config);
    PgActivityLogStore store(tenants_, clock_);
    ActivityLogServiceImpl service(tenants_.directory(), store);
    Run(*base_, kMakeLastYear);
    v1::Activity old = Activity("public", "public", "old");
    old.set_created_at_ms(clock_.NowMs() - 8 * kDayMs);
    v1::AppendActivitiesRequest request;
    *request.add_activities() = old;
    rpc::CallContext context{.deadline = Soon()};
    EXPECT_TRUE(service.AppendActivities(context, request).ok());
    EXPECT_TRUE(store.CleanUp(Soon(), tenants_.directory()).ok());
    const std::string rows = Ask(*base_, "SELECT count(*)::text FROM {activity_log}");
    const std::string left = Partitions(*base_);
    return rows + " rows, " + std::to_string(std::count(left.begin(), left.end(), ' ') + 1);
  };
  EXPECT_EQ(clean_up(R"({"activity_log_retention_days": 400})"), "1 rows, 4");
  EXPECT_EQ(clean_up(R"({"activity_log_retention_days": 7})"), "0 rows, 3");
}

// As a core of 12.3 makes the column: it can only be NULL or JSON.
TEST_F(ActivityLogTest, RowsFitATableOfANewerCore) {
  tenants_.Add("public", "public");
  ASSERT_TRUE(Append({Activity("public", "public", "before")}).ok());
  Run(*base_, "ALTER TABLE {activity_log} ALTER COLUMN payload TYPE JSONB USING payload::jsonb");
  ASSERT_TRUE(Append({Activity("public", "public", "after")}).ok());
  EXPECT_EQ(Ask(*base_, "SELECT count(*)::text FROM {activity_log} WHERE payload IS NULL"), "2");
}

TEST_F(ActivityLogTest, RowsOfAMonthWithoutPartitionAreKept) {
  tenants_.Add("public", "public");
  Run(*base_,
      "DO $$ DECLARE part regclass; BEGIN FOR part IN SELECT inhrelid::regclass FROM pg_inherits"
      " WHERE inhparent = 'activity_log'::regclass AND inhrelid::regclass::text LIKE '%\\_p%'"
      " LOOP EXECUTE format('DROP TABLE %s', part); END LOOP; END $$;\n"
      "INSERT INTO {activity_log} (event_type, created_at)"
      " VALUES ('x', (extract(epoch FROM now()) * 1000)::bigint)");
  ASSERT_TRUE(Append({Activity("public", "public", "one")}).ok());
  EXPECT_EQ(Ask(*base_, "SELECT count(*)::text FROM {activity_log}"), "2");
}

}  // namespace
}  // namespace gatehouse::tenants
