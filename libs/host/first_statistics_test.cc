#include "libs/host/first_statistics.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "libs/db/database.h"
#include "libs/testing/pg_test_server.h"

namespace gatehouse::host {
namespace {

using testing::Soon;

constexpr db::Statement kPages = {
    "pages", "SELECT relpages::bigint FROM pg_class WHERE oid = '{schema}.{~apps}'::regclass"};
constexpr db::Statement kOne = {"one", "SELECT 1"};

class FirstStatisticsTest : public ::testing::Test {
 protected:
  using Database = std::shared_ptr<db::Database>;

  static Database NewDatabase() { return testing::TestPostgres::Shared().CreateDatabase(); }

  static void Use(const Database& database) {
    for (int i = 0; i < 10; ++i) EXPECT_TRUE(database->Execute(Soon(), kOne).ok());
  }
  static void Fill(const Database& database) {
    EXPECT_TRUE(database
                    ->ExecuteScript(Soon(),
                                    "INSERT INTO {apps} (app_id, created_at_time)"
                                    " SELECT 'app' || i, 1 FROM generate_series(1, 1000) i")
                    .ok());
    Use(database);
  }
  static bool HasStatistics(const Database& database) {
    const auto rows = database->Execute(Soon(), kPages);
    return rows.ok() && rows->front().Int64(0) > 0;
  }

  std::vector<Database> pools_;
  FirstStatistics statistics_{[this] { return pools_; }, {"apps"}};
};

TEST_F(FirstStatisticsTest, ADatabaseThatIsNotInUseIsNotAsked) {
  pools_ = {NewDatabase()};
  Fill(pools_[0]);
  EXPECT_FALSE(HasStatistics(pools_[0]));
  EXPECT_TRUE(statistics_.Run(Soon()).ok());
  EXPECT_TRUE(HasStatistics(pools_[0]));

  const int64_t statements = pools_[0]->statements_executed();
  EXPECT_TRUE(statistics_.Run(Soon()).ok());
  EXPECT_EQ(pools_[0]->statements_executed(), statements);
  Use(pools_[0]);
  EXPECT_TRUE(statistics_.Run(Soon()).ok());
  EXPECT_EQ(pools_[0]->statements_executed(), statements + 11) << "one question";
}

TEST_F(FirstStatisticsTest, OneThatFailsKeepsNobodyFromTheOthers) {
  pools_ = {NewDatabase(), NewDatabase()};
  EXPECT_TRUE(pools_[0]
                  ->ExecuteScript(Soon(),
                                  "DROP FUNCTION {schema}.{~gatehouse_gather_statistics}(text[])")
                  .ok());
  Use(pools_[0]);
  EXPECT_FALSE(statistics_.Run(Soon()).ok());
  Use(pools_[0]);
  Fill(pools_[1]);
  const int64_t statements = pools_[0]->statements_executed();
  EXPECT_TRUE(statistics_.Run(Soon()).ok()) << "the first rests";
  EXPECT_EQ(pools_[0]->statements_executed(), statements);
  EXPECT_TRUE(HasStatistics(pools_[1]));
}

}  // namespace
}  // namespace gatehouse::host
