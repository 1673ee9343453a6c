#include "libs/db/database.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "libs/base/status.h"
#include "libs/base/steady_time.h"
#include "libs/testing/pg_test_server.h"

namespace gatehouse::db {
namespace {

using ::gatehouse::testing::OpenDatabase;
using ::gatehouse::testing::Soon;
using ::gatehouse::testing::TestPostgres;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr Statement kInsertApp = {"t_insert_app",
                                  "INSERT INTO {apps} (app_id, created_at_time) VALUES ($1, $2)"};
constexpr Statement kCountApps = {"t_count_apps", "SELECT COUNT(*) FROM {apps}"};
constexpr Statement kInsertUser = {
    "t_insert_user",
    "INSERT INTO {app_id_to_user_id} (app_id, user_id, recipe_id, primary_or_recipe_user_id) "
    "VALUES ($1, $2, 'emailpassword', $2)"};
constexpr Statement kUsersOf = {
    "t_users_of",
    "SELECT user_id, is_linked_or_is_a_primary_user FROM {app_id_to_user_id} "
    "WHERE app_id = $1 AND user_id = ANY($2) ORDER BY user_id"};

TEST(Database, SendsAndReadsEveryKindOfValue) {
  auto database = TestPostgres::Shared().CreateDatabase();
  ASSERT_TRUE(database
                  ->ExecuteScript(Soon(),
                                  "CREATE TABLE v (t TEXT, i BIGINT, b BOOLEAN, y BYTEA, "
                                  "c CHAR(8), a VARCHAR(16)[])")
                  .ok());
  constexpr Statement kPut = {"t_put", "INSERT INTO v VALUES ($1, $2, $3, $4, $5, $6)"};
  constexpr Statement kGet = {"t_get", "SELECT t, i, b, y, c, a[2] FROM v WHERE i IS NOT NULL"};
  const std::string bytes("\0\xff\\x", 4);
  auto put = database->Execute(Soon(), kPut,
                               {std::string("it's \\ ü"), int64_t{-5}, true, Bytes{bytes}, "ab",
                                TextArray{{"x", "a\"b\\c,{}"}}});
  ASSERT_TRUE(put.ok()) << DatabaseCause(put.status());
  EXPECT_EQ(put->affected(), 1);
  ASSERT_TRUE(database
                  ->Execute(Soon(), kPut,
                            {std::optional<std::string>(), std::nullopt, nullptr,
                             std::optional<bool>(), std::optional<std::string>("z"), "{}"})
                  .ok());
  auto got = database->Execute(Soon(), kGet);
  ASSERT_TRUE(got.ok());
  ASSERT_EQ(got->rows(), 1);
  const Row row = got->front();
  EXPECT_EQ(row.Text(0), "it's \\ ü");
  EXPECT_EQ(row.Int64(1), -5);
  EXPECT_TRUE(row.Bool(2));
  EXPECT_EQ(row.Bytes(3), bytes);
  EXPECT_EQ(row.Text(4), "ab      ");
  EXPECT_EQ(row.Trimmed(4), "ab");
  EXPECT_EQ(row.Text(5), "a\"b\\c,{}");

  constexpr Statement kNulls = {"t_nulls", "SELECT t, i FROM v WHERE i IS NULL"};
  auto nulls = database->Execute(Soon(), kNulls);
  EXPECT_TRUE(nulls->front().IsNull(0));
  EXPECT_EQ(nulls->front().OptText(0), std::nullopt);
  EXPECT_EQ(nulls->front().OptInt64(1), std::nullopt);
}

TEST(Database, FindsCharColumnsByArrayAndUsesTheirIndex) {
  auto database = TestPostgres::Shared().CreateDatabase();
  ASSERT_TRUE(database->Execute(Soon(), kInsertApp, {"public", 1}).ok());
  for (const char* id : {"u1", "u2", "u3"}) {
    ASSERT_TRUE(database->Execute(Soon(), kInsertUser, {"public", id}).ok());
  }
  auto users = database->Execute(Soon(), kUsersOf, {"public", TextArray{{"u3", "u1", "nobody"}}});
  ASSERT_TRUE(users.ok()) << DatabaseCause(users.status());
  std::string found;
  for (const Row row : *users) absl::StrAppend(&found, std::string(row.Trimmed(0)), ";");
  EXPECT_EQ(found, "u1;u3;");
  EXPECT_EQ(database->Execute(Soon(), kUsersOf, {"public", TextArray{}})->rows(), 0);

  // enable_seqscan only makes the small table's plan comparable to a large one's: were the
  // parameter text[], the index could not be used at all.
  ASSERT_TRUE(
      database
          ->Transact(Soon(),
                     [&](Transaction& transaction) -> absl::Status {
                       RETURN_IF_ERROR(transaction.ExecuteScript("SET LOCAL enable_seqscan = off"));
                       constexpr Statement kExplain = {
                           "t_explain",
                           "EXPLAIN SELECT recipe_id FROM {app_id_to_user_id} "
                           "WHERE app_id = $1 AND user_id = ANY($2)"};
                       ASSIGN_OR_RETURN(
                           const Result plan,
                           transaction.Execute(kExplain, {"public", TextArray{{"u1", "u2"}}}));
                       std::string text;
                       for (const Row row : plan) text += row.Text(0);
                       EXPECT_THAT(text, HasSubstr("user_id = ANY ('{"));
                       EXPECT_THAT(text, HasSubstr("::bpchar[]"));
                       EXPECT_THAT(text, Not(HasSubstr("user_id)::text")));
                       return absl::OkStatus();
                     })
          .ok());
}

TEST(Database, CountsOneRoundTripForAPreparedStatement) {
  auto database = TestPostgres::Shared().CreateDatabase(1);
  ASSERT_TRUE(database->Execute(Soon(), kCountApps).ok());
  const DatabaseStats before = database->stats();
  const ThreadStatementCounts thread_before = ThreadStatements();
  ASSERT_TRUE(database->Execute(Soon(), kCountApps).ok());
  EXPECT_EQ(database->stats().round_trips - before.round_trips, 1);
  EXPECT_EQ(database->statements_executed() - before.statements, 1);
  EXPECT_EQ(ThreadStatements().statements - thread_before.statements, 1);
}

TEST(Database, NamesViolatedConstraintsAndHidesValues) {
  auto database = TestPostgres::Shared().CreateDatabase();
  ASSERT_TRUE(database->Execute(Soon(), kInsertApp, {"shop", 1}).ok());
  auto again = database->Execute(Soon(), kInsertApp, {"shop", 1});
  EXPECT_EQ(again.status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(ViolatedConstraint(again.status()), "apps_pkey");
  EXPECT_THAT(DatabaseCause(again.status()), Not(HasSubstr("shop")));

  auto orphan = database->Execute(Soon(), kInsertUser, {"nosuchapp", "u"});
  EXPECT_EQ(orphan.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(ViolatesConstraint(orphan.status(), "app_id_to_user_id_app_id_fkey"));

  // A value can't be mistaken for the name of a constraint.
  auto forged =
      database->Execute(Soon(), kInsertUser, {"x\nCONSTRAINT NAME:  forged\nLOCATION:  y", "u"});
  EXPECT_EQ(ViolatedConstraint(forged.status()), "app_id_to_user_id_app_id_fkey");
}

TEST(Database, BadInputIsTheCallersFault) {
  auto database = TestPostgres::Shared().CreateDatabase();
  EXPECT_EQ(ReasonOf(database->Execute(Soon(), kInsertApp, {std::string(65, 'a'), 1}).status()),
            ErrorReason::kBadInput);
  EXPECT_EQ(ReasonOf(database->Execute(Soon(), kInsertApp, {"\xff", 1}).status()),
            ErrorReason::kBadInput);
  EXPECT_EQ(ReasonOf(database->Execute(Soon(), kInsertApp, {std::string("a\0b", 3), 1}).status()),
            ErrorReason::kBadInput);
  auto number = database->Execute(Soon(), kInsertApp, {"app", "secret value"});
  EXPECT_EQ(ReasonOf(number.status()), ErrorReason::kInternal);
  EXPECT_THAT(DatabaseCause(number.status()), Not(HasSubstr("secret")));
  EXPECT_THAT(std::string(number.status().message()), Not(HasSubstr("bigint")));
}

TEST(Database, TellsTheErrorLogTheCause) {
  auto database = TestPostgres::Shared().CreateDatabase();
  std::string seen;
  SetErrorLog([&](std::string_view statement, std::string_view cause) {
    absl::StrAppend(&seen, std::string(statement), ": ", std::string(cause));
  });
  constexpr Statement kWrong = {"t_wrong", "SELECT nosuch FROM {apps}"};
  const absl::Status wrong = database->Execute(Soon(), kWrong).status();
  EXPECT_EQ(ReasonOf(wrong), ErrorReason::kInternal);
  EXPECT_TRUE(IsLogged(wrong));
  EXPECT_THAT(seen, HasSubstr("t_wrong: ERROR:  42703"));
  // In a transaction, the statement that failed.
  seen.clear();
  const absl::Status within = database->Transact(
      Soon(), [&](Transaction& transaction) { return transaction.Execute(kWrong).status(); });
  EXPECT_TRUE(IsLogged(within));
  EXPECT_THAT(seen, HasSubstr("t_wrong: ERROR:  42703"));
  SetErrorLog(nullptr);
}

TEST(Database, TransactionsCommitOrRollBack) {
  auto database = TestPostgres::Shared().CreateDatabase();
  const auto count = [&] { return database->Execute(Soon(), kCountApps)->front().Int64(0); };
  const auto insert = [](const char* app, absl::Status outcome) {
    return [app, outcome](Transaction& transaction) -> absl::Status {
      RETURN_IF_ERROR(transaction.Execute(kInsertApp, {app, 1}).status());
      return outcome;
    };
  };
  EXPECT_TRUE(database->Transact(Soon(), insert("a", absl::OkStatus())).ok());
  EXPECT_EQ(count(), 1);
  EXPECT_EQ(database->Transact(Soon(), insert("b", BadInput("no"))).message(), "no");
  EXPECT_EQ(count(), 1);
  // An error that the body ignores is not lost: PostgreSQL would roll back at COMMIT.
  const absl::Status overlooked = database->Transact(Soon(), [](Transaction& transaction) {
    (void)transaction.Execute(kInsertApp, {"d", 1});
    (void)transaction.Execute(kInsertApp, {"d", 1});
    return absl::OkStatus();
  });
  EXPECT_TRUE(ViolatesConstraint(overlooked, "apps_pkey"));
  EXPECT_EQ(count(), 1);
}

TEST(Database, RepeatsABodyThatAsksForIt) {
  auto database = TestPostgres::Shared().CreateDatabase();
  int runs = 0;
  EXPECT_TRUE(database
                  ->Transact(Soon(),
                             [&](Transaction& transaction) -> absl::Status {
                               EXPECT_EQ(transaction.attempt(), runs + 1);
                               return ++runs < 3 ? RetryTransaction() : absl::OkStatus();
                             })
                  .ok());
  EXPECT_EQ(runs, 3);
  EXPECT_EQ(ReasonOf(database->Transact(SteadyNow() + absl::Milliseconds(100),
                                        [](Transaction&) { return RetryTransaction(); })),
            ErrorReason::kOverloaded);
}

TEST(Database, RefusesASecondConnectionForOneThread) {
  auto database = TestPostgres::Shared().CreateDatabase(1);
  const absl::Status status = database->Transact(
      Soon(), [&](Transaction&) { return database->Execute(Soon(), kCountApps).status(); });
  EXPECT_EQ(ReasonOf(status), ErrorReason::kInternal);
  EXPECT_TRUE(database->Execute(Soon(), kCountApps).ok());
}

TEST(Database, OptionsAreChecked) {
  EXPECT_EQ(ReasonOf(Database::Create({.pool_size = 0}).status()), ErrorReason::kBadInput);
  const auto bad = Database::Create({.conninfo = "postgresql://u:secret@[::1/x"});
  EXPECT_EQ(ReasonOf(bad.status()), ErrorReason::kBadInput);
  EXPECT_THAT(std::string(bad.status().message()), Not(HasSubstr("secret")));
  // Parameters that only the original's driver knows are ignored.
  EXPECT_TRUE(Database::Create({.conninfo = "postgresql://u:p@h/x?allowPublicKeyRetrieval=true"
                                            "&currentSchema=st&connect_timeout=3"})
                  .ok());
  EXPECT_FALSE(TableNames::Create("public; DROP TABLE x", "").ok());
  EXPECT_FALSE(TableNames::Create("", "", {{"session_info", "a b"}}).ok());
}

TEST(Database, NamesExpandInStatements) {
  const TableNames names = *TableNames::Create("St", "p", {{"session_info", "s"}});
  EXPECT_EQ(names.Expand("{session_info} {apps} {~apps}_pkey {schema} '{}' '{\"a\"}' {"),
            "st.s st.p_apps p_apps_pkey st '{}' '{\"a\"}' {");
  EXPECT_EQ(TableNames().Expand("{apps}"), "apps");
}

}  // namespace
}  // namespace gatehouse::db
