#include "services/users/backfill/pg_registry_backfill.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "libs/db/database.h"
#include "libs/testing/pg_test_server.h"

namespace gatehouse::users {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr db::Statement kInfos = {"t_infos", "SELECT count(*) FROM {recipe_user_account_infos}"};
constexpr db::Statement kTenants = {"t_tenants", "SELECT count(*) FROM {recipe_user_tenants}"};
constexpr db::Statement kReserved = {"t_reserved", "SELECT count(*) FROM {primary_user_tenants}"};
constexpr db::Statement kTimes = {
    "t_times",
    "SELECT time_joined, primary_or_recipe_user_time_joined FROM {app_id_to_user_id}"
    " WHERE user_id = $1"};

// A database as a core before 12.0 leaves it: its tables, and an empty registry.
class RegistryBackfillTest : public ::testing::Test {
 protected:
  RegistryBackfillTest() {
    Run("INSERT INTO apps (app_id, created_at_time) VALUES ('public', 1) ON CONFLICT DO NOTHING;"
        "INSERT INTO tenants (app_id, tenant_id, created_at_time)"
        " VALUES ('public', 'public', 1), ('public', 't1', 1) ON CONFLICT DO NOTHING;");
  }

  void Run(const std::string& sql) {
    const absl::Status done = database_->ExecuteScript(testing::Soon(), sql);
    ASSERT_TRUE(done.ok()) << db::DatabaseCause(done);
  }
  // An email-password user in `tenants`; with a primary user, linked to it.
  void Add(const std::string& id, const std::string& email, int time,
           const std::vector<std::string>& tenants, const std::string& primary = "") {
    const std::string lead = primary.empty() ? id : primary;
    const std::string linked = primary.empty() ? "false" : "true";
    const std::string joined = std::to_string(time);
    Run("INSERT INTO app_id_to_user_id (app_id, user_id, recipe_id, primary_or_recipe_user_id,"
        " is_linked_or_is_a_primary_user) VALUES ('public', '" +
        id + "', 'emailpassword', '" + lead + "', " + linked +
        "); INSERT INTO emailpassword_users (app_id, user_id, email,"
        " password_hash, time_joined) VALUES ('public', '" +
        id + "', '" + email + "', 'x', " + joined + ");");
    for (const std::string& tenant : tenants) {
      Run("INSERT INTO all_auth_recipe_users (app_id, tenant_id, user_id,"
          " primary_or_recipe_user_id, is_linked_or_is_a_primary_user, recipe_id, time_joined,"
          " primary_or_recipe_user_time_joined) VALUES ('public', '" +
          tenant + "', '" + id + "', '" + lead + "', " + linked + ", 'emailpassword', " + joined +
          ", " + joined + ");");
    }
  }
  int64_t Count(const db::Statement& statement) {
    return database_->Execute(testing::Soon(), statement)->front().Int64(0);
  }
  std::pair<int64_t, int64_t> Times(const std::string& id) {
    const auto row = database_->Execute(testing::Soon(), kTimes, {id});
    return {row->front().Int64(0), row->front().Int64(1)};
  }
  BackfillCounts Backfill() {
    said_.clear();
    auto counts = BackfillRegistry(*database_, testing::Soon(),
                                   [this](std::string_view text) { said_.emplace_back(text); });
    EXPECT_TRUE(counts.ok()) << counts.status();
    return counts.value_or(BackfillCounts());
  }
  bool Complete() { return RegistryIsComplete(*database_, testing::Soon()).value(); }

  std::unique_ptr<db::Database> database_ = testing::TestPostgres::Shared().CreateDatabase(2);
  std::vector<std::string> said_;
};

TEST_F(RegistryBackfillTest, AUserComesOverOnceInEachOfItsTenants) {
  EXPECT_TRUE(Complete()) << "nobody is missing where nobody is";
  Add("a", "a@example.com", 7, {"public", "t1"});
  EXPECT_FALSE(Complete());
  EXPECT_EQ(Backfill().users, 1);
  EXPECT_TRUE(Complete());
  EXPECT_EQ(Count(kInfos), 1);
  EXPECT_EQ(Count(kTenants), 2);
  EXPECT_EQ(Count(kReserved), 0);
  EXPECT_EQ(Times("a"), std::pair(int64_t{7}, int64_t{7}));
  EXPECT_EQ(Backfill().users, 0);
}

TEST_F(RegistryBackfillTest, AGroupReservesAllOfItsInfosInAllOfItsTenants) {
  Add("a", "a@example.com", 9, {"public"});
  Run("UPDATE app_id_to_user_id SET is_linked_or_is_a_primary_user = true");
  Add("b", "b@example.com", 5, {"t1"}, "a");
  EXPECT_EQ(Backfill().conflicts, 0);
  EXPECT_EQ(Count(kReserved), 4);
  EXPECT_EQ(Times("a"), std::pair(int64_t{9}, int64_t{5}));
  EXPECT_EQ(Times("b"), std::pair(int64_t{5}, int64_t{5}));
}

TEST_F(RegistryBackfillTest, OfTwoUsersWithOneEmailTheElderKeepsIt) {
  Add("a-late", "same@example.com", 20, {"public"});
  Add("b-early", "same@example.com", 10, {"public"});
  EXPECT_EQ(Backfill().conflicts, 1);
  EXPECT_EQ(Count(kTenants), 1);
  EXPECT_THAT(said_, Contains(HasSubstr("the email of user a-late belongs to b-early already")));
  EXPECT_THAT(said_, Not(Contains(HasSubstr("example.com"))));
  EXPECT_TRUE(Complete());
}

TEST_F(RegistryBackfillTest, AUserOfAnUnknownRecipeStopsItWithoutAChange) {
  Add("a", "a@example.com", 1, {"public"});
  Run("INSERT INTO app_id_to_user_id (app_id, user_id, recipe_id, primary_or_recipe_user_id,"
      " is_linked_or_is_a_primary_user) VALUES ('public', 'b', 'new', 'b', false)");
  const auto counts = BackfillRegistry(*database_, testing::Soon(), [](std::string_view) {});
  EXPECT_EQ(counts.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Count(kInfos), 0);
  EXPECT_FALSE(Complete());
}

TEST_F(RegistryBackfillTest, TablesWithoutTheColumnsLackTheirUsers) {
  Run("ALTER TABLE app_id_to_user_id DROP COLUMN time_joined CASCADE");
  EXPECT_TRUE(Complete()) << "no users";
  // Without the triggers, which such a core doesn't know.
  Run("SET session_replication_role = replica;"
      "INSERT INTO app_id_to_user_id (app_id, user_id, recipe_id, primary_or_recipe_user_id,"
      " is_linked_or_is_a_primary_user) VALUES ('public', 'b', 'emailpassword', 'b', false)");
  EXPECT_FALSE(Complete());
  Run("DROP TABLE app_id_to_user_id CASCADE");
  EXPECT_TRUE(Complete()) << "no tables, no users";
}

}  // namespace
}  // namespace gatehouse::users
