#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "libs/base/status.h"
#include "libs/crypto/bytes.h"
#include "libs/testing/pg_test_server.h"
#include "libs/testing/test_tenants.h"
#include "services/users/emailpassword/pg_emailpassword_store.h"
#include "services/users/listing/pg_listing_store.h"

namespace gatehouse::users {
namespace {

// As a core of the original writes a user of its own.
constexpr char kForeignSignUp[] =
    "INSERT INTO app_id_to_user_id VALUES"
    " ('public', 'foreign', 'passwordless', 'foreign', FALSE, 7, 7);"
    "INSERT INTO recipe_user_tenants VALUES ('public', 'foreign', 'public', 'passwordless',"
    " 'email', 'f@example.com', '', '')";
// What is listed, and what is counted.
constexpr db::Statement kListed = {"listed", "SELECT count(*) FROM gatehouse_listed_users"};
constexpr db::Statement kCounted = {
    "counted", "SELECT COALESCE(sum(users), 0)::bigint FROM gatehouse_user_counts"};
constexpr db::Statement kCountRows = {"count_rows", "SELECT count(*) FROM gatehouse_user_counts"};

class SignUpListingTest : public ::testing::Test {
 protected:
  explicit SignUpListingTest(int pool_size = 1)
      : database_(testing::TestPostgres::Shared().CreateDatabase(pool_size)),
        tenants_(*database_, "{}") {}

  Where Scope(const std::string& tenant = "public") {
    return {tenants_.Add("public", tenant), testing::Soon()};
  }
  bool SignUp(const Where& scope, const std::string& email) {
    const absl::StatusOr<bool> done =
        credentials_.SignUp(scope, {crypto::NewUuid4(), email, "$2a$04$hash", 5, false});
    EXPECT_TRUE(done.ok()) << db::DatabaseCause(done.status());
    return done.value_or(false);
  }
  int64_t Number(const db::Statement& statement) {
    const absl::StatusOr<db::Result> result = database_->Execute(testing::Soon(), statement, {});
    EXPECT_TRUE(result.ok()) << db::DatabaseCause(result.status());
    return result.ok() ? result->front().Int64(0) : -1;
  }
  void Run(std::string_view sql) {
    const absl::Status done = database_->ExecuteScript(testing::Soon(), sql);
    EXPECT_TRUE(done.ok()) << db::DatabaseCause(done);
  }

  std::unique_ptr<db::Database> database_;
  testing::TestTenants tenants_;
  PgEmailPasswordStore credentials_{tenants_};
  PgListingStore listing_{tenants_};
};

class SignUpsAtOnceTest : public SignUpListingTest {
 protected:
  SignUpsAtOnceTest() : SignUpListingTest(8) {}
};

TEST_F(SignUpListingTest, ListsAndCountsWithoutTriggers) {
  Run("DROP TRIGGER gatehouse_insert ON app_id_to_user_id;"
      "DROP TRIGGER gatehouse_insert ON recipe_user_tenants");
  EXPECT_TRUE(SignUp(Scope(), "a@example.com"));
  EXPECT_TRUE(SignUp(Scope("t1"), "a@example.com"));
  EXPECT_FALSE(SignUp(Scope(), "a@example.com"));
  EXPECT_EQ(*listing_.CountTenant(Scope(), {}), 1);
  EXPECT_EQ(*listing_.CountTenant(Scope("t1"), {"emailpassword"}), 1);
  EXPECT_EQ(*listing_.CountTenant(Scope("t1"), {"thirdparty"}), 0);
  EXPECT_EQ(*listing_.CountApp(Scope(), {}), 2);
  EXPECT_EQ(Number(kListed), 4);
}

TEST_F(SignUpListingTest, OtherWritersOnTheSameConnectionAreListedByTriggers) {
  EXPECT_TRUE(SignUp(Scope(), "a@example.com"));
  Run(kForeignSignUp);
  EXPECT_EQ(*listing_.CountTenant(Scope(), {}), 2);
  EXPECT_EQ(*listing_.CountTenant(Scope(), {"passwordless"}), 1);
  EXPECT_EQ(Number(kListed), 4);
  Run("DELETE FROM recipe_user_tenants WHERE recipe_user_id <> 'foreign'");
  EXPECT_EQ(*listing_.CountTenant(Scope(), {}), 1);
  EXPECT_EQ(*listing_.CountApp(Scope(), {}), 1);
}

TEST_F(SignUpListingTest, AUserInsertedAfterItsTenantIsListed) {
  Run("INSERT INTO recipe_user_tenants VALUES ('public', 'foreign', 'public', 'passwordless',"
      " 'email', 'f@example.com', '', '');"
      "INSERT INTO app_id_to_user_id VALUES"
      " ('public', 'foreign', 'passwordless', 'foreign', FALSE, 7, 7)");
  EXPECT_EQ(*listing_.CountTenant(Scope(), {}), 1);
  EXPECT_EQ(Number(kListed), 2);
}

TEST_F(SignUpListingTest, ASessionCountsInFewRows) {
  for (int i = 0; i < 100; ++i) SignUp(Scope(), "u" + std::to_string(i) + "@example.com");
  EXPECT_EQ(Number(kCounted), 200);
  EXPECT_LE(Number(kCountRows), 8);  // one in 16 of those that begin folds
  Run("SELECT gatehouse_fold_users('public', 'public'), gatehouse_fold_users('public', '')");
  EXPECT_EQ(Number(kCountRows), 2);
  EXPECT_EQ(Number(kCounted), 200);
}

TEST_F(SignUpsAtOnceTest, CountExactlyWhileOthersFold) {
  const Where scope = Scope();
  std::vector<std::jthread> clients;
  for (int client = 0; client < 6; ++client) {
    clients.emplace_back([&, client] {
      for (int i = 0; i < 40; ++i) {
        SignUp(scope, std::to_string(client * 40 + i) + "@example.com");
      }
    });
  }
  clients.emplace_back([&] {
    for (int i = 0; i < 60; ++i) Run("SELECT gatehouse_fold_users('public', 'public')");
  });
  clients.clear();
  EXPECT_EQ(*listing_.CountTenant(scope, {}), 240);
  EXPECT_EQ(*listing_.CountApp(scope, {}), 240);
  EXPECT_EQ(Number(kListed), 480);
}

// No sign-up waits for the rows in which another, which is not committed yet, has counted.
TEST_F(SignUpsAtOnceTest, WaitForNobodysCount) {
  const Where scope = Scope();
  EXPECT_TRUE(SignUp(scope, "a@example.com"));
  const absl::Status held =
      database_->Transact(testing::Soon(), [&](db::Transaction& transaction) -> absl::Status {
        RETURN_IF_ERROR(
            transaction.ExecuteScript("SELECT FROM gatehouse_user_counts FOR UPDATE"));
        std::jthread([&] { EXPECT_TRUE(SignUp(scope, "b@example.com")); }).join();
        return absl::OkStatus();
      });
  EXPECT_TRUE(held.ok()) << db::DatabaseCause(held);
  EXPECT_EQ(*listing_.CountTenant(scope, {}), 2);
}

}  // namespace
}  // namespace gatehouse::users
