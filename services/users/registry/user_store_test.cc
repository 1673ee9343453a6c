#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "libs/crypto/bytes.h"
#include "libs/testing/fake_activity_log.h"
#include "libs/testing/fake_clock.h"
#include "libs/testing/pg_test_server.h"
#include "libs/testing/test_tenants.h"
#include "services/users/emailpassword/pg_emailpassword_store.h"
#include "services/users/listing/pg_listing_store.h"
#include "services/users/registry/pg_activity_store.h"
#include "services/users/registry/pg_user_store.h"
#include "services/users/registry/sign_in_or_up.h"

namespace gatehouse::users {
namespace {

// A fresh database with tenants of the public app.
struct World {
  explicit World(int pool_size = 4, std::string_view config = "{}")
      : database(testing::TestPostgres::Shared().CreateDatabase(pool_size)),
        tenants(*database, config) {}

  Where Scope(const std::string& tenant_id = "public") {
    return {tenants.Add("public", tenant_id), testing::Soon()};
  }
  int64_t Count(const db::Statement& statement) {
    absl::StatusOr<db::Result> result = database->Execute(testing::Soon(), statement, {});
    EXPECT_TRUE(result.ok()) << db::DatabaseCause(result.status());
    return result.ok() ? result->front().Int64(0) : -1;
  }

  std::unique_ptr<db::Database> database;
  testing::TestTenants tenants;
};

NewEmailPasswordUser NewPasswordUser(const std::string& email, int64_t time_joined_ms = 1000) {
  return {crypto::NewUuid4(), email, "$2a$04$hash", time_joined_ms, false};
}

Identity ThirdParty(const std::string& id, const std::string& user_id, const std::string& email) {
  return {.recipe_id = std::string(kThirdPartyRecipe),
          .email = email,
          .third_party = ThirdPartyId{id, user_id}};
}

class UserStoreTest : public ::testing::Test {
 protected:
  std::string SignUp(const std::string& email, int64_t time_joined_ms = 1000,
                     const std::string& tenant = "public") {
    NewEmailPasswordUser user = NewPasswordUser(email, time_joined_ms);
    absl::StatusOr<bool> done = credentials_.SignUp(tenant_.Scope(tenant), user);
    EXPECT_TRUE(done.ok()) << done.status();
    EXPECT_TRUE(done.value_or(false));
    return user.user_id;
  }
  // Makes `primary` a primary user and links `other` with it, as the rows of linking are.
  void Link(const std::string& primary, const std::string& other) {
    const std::string sql =
        "UPDATE app_id_to_user_id SET is_linked_or_is_a_primary_user = TRUE,"
        " primary_or_recipe_user_id = '" + primary + "',"
        " primary_or_recipe_user_time_joined = 1000 WHERE user_id IN ('" + primary + "','" +
        other + "');"
        "UPDATE recipe_user_account_infos SET primary_user_id = '" + primary +
        "' WHERE recipe_user_id IN ('" + primary + "','" + other + "');"
        "INSERT INTO primary_user_tenants SELECT app_id, tenant_id, account_info_type,"
        " account_info_value, '" + primary + "' FROM recipe_user_tenants WHERE recipe_user_id IN ('" +
        primary + "','" + other + "') ON CONFLICT DO NOTHING;";
    ASSERT_TRUE(tenant_.database->ExecuteScript(testing::Soon(), sql).ok());
  }
  void Map(const std::string& user_id, const std::string& external_id) {
    ASSERT_TRUE(tenant_.database
                    ->ExecuteScript(testing::Soon(),
                                   "INSERT INTO userid_mapping (app_id, supertokens_user_id,"
                                   " external_user_id) VALUES ('public', '" +
                                       user_id + "', '" + external_id + "')")
                    .ok());
  }

  EmailChange ChangeEmail(const std::string& id, const std::string& email) {
    auto change = store_.ChangeIdentity(tenant_.Scope(), kEmailPasswordRecipe, id,
                                        {.email = ContactUpdate{email}});
    EXPECT_TRUE(change.ok()) << db::DatabaseCause(change.status());
    return change->result;
  }

  World tenant_;
  PgUserStore store_{tenant_.tenants};
  PgEmailPasswordStore credentials_{tenant_.tenants};
  PgListingStore listing_{tenant_.tenants};
  testing::FakeClock clock_{1'000'000};
};

TEST_F(UserStoreTest, FindsANewUserByIdAndEmail) {
  const std::string id = SignUp("a@example.com");
  auto user = store_.FindById(tenant_.Scope(), id);
  ASSERT_TRUE(user.ok()) << user.status() << db::DatabaseCause(user.status());
  ASSERT_TRUE(user->has_value());
  EXPECT_EQ((*user)->id(), id);
  EXPECT_FALSE((*user)->is_primary_user());
  ASSERT_EQ((*user)->login_methods_size(), 1);
  EXPECT_EQ((*user)->login_methods(0).email(), "a@example.com");
  EXPECT_EQ((*user)->login_methods(0).tenant_ids(0), "public");
  EXPECT_EQ((*user)->time_joined_ms(), 1000);
  auto by_email = store_.FindByAccountInfo(tenant_.Scope(), {{"email", "a@example.com"}});
  ASSERT_TRUE(by_email.ok()) << by_email.status();
  ASSERT_EQ(by_email->size(), 1u);
  EXPECT_TRUE(store_.FindByAccountInfo(tenant_.Scope("t1"), {{"email", "a@example.com"}})->empty());
  EXPECT_FALSE(store_.FindById(tenant_.Scope(), "unknown")->has_value());
}

TEST_F(UserStoreTest, OneOfManySignUpsWithOneEmailWins) {
  World many(10);
  PgEmailPasswordStore store(many.tenants);
  const Where scope = many.Scope();
  std::atomic<int> won = 0, lost = 0, failed = 0;
  std::vector<std::thread> clients;
  for (int i = 0; i < 50; ++i) {
    clients.emplace_back([&] {
      absl::StatusOr<bool> done = store.SignUp(scope, NewPasswordUser("same@example.com"));
      (!done.ok() ? failed : *done ? won : lost)++;
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(won, 1);
  EXPECT_EQ(lost, 49);
  EXPECT_EQ(failed, 0);
  for (const char* sql : {"SELECT count(*) FROM app_id_to_user_id",
                          "SELECT count(*) FROM emailpassword_users",
                          "SELECT count(*) FROM recipe_user_account_infos",
                          "SELECT count(*) FROM recipe_user_tenants"}) {
    EXPECT_EQ(many.Count({sql, sql}), 1) << sql;
  }
  EXPECT_EQ(many.Count({"legacy", "SELECT count(*) FROM all_auth_recipe_users"}), 0);
}

TEST_F(UserStoreTest, LegacyTablesAreWrittenWhileACoreOfThemMayRunBeside) {
  World dual(2, R"({"migration_mode":"DUAL_WRITE_READ_NEW"})");
  PgEmailPasswordStore credentials(dual.tenants);
  PgUserStore store(dual.tenants);
  ASSERT_TRUE(*credentials.SignUp(dual.Scope(), NewPasswordUser("a@example.com")));
  const NewIdentity google = {crypto::NewUuid4(), ThirdParty("google", "1", "a@example.com"), 5,
                              false};
  absl::StatusOr<bool> registered = store.Register(dual.Scope(), google);
  ASSERT_TRUE(registered.ok()) << registered.status();
  EXPECT_EQ(dual.Count({"l1", "SELECT count(*) FROM all_auth_recipe_users"}), 2);
  EXPECT_EQ(dual.Count({"l2", "SELECT count(*) FROM emailpassword_user_to_tenant"}), 1);
  EXPECT_EQ(dual.Count({"l3", "SELECT count(*) FROM thirdparty_user_to_tenant"}), 1);
}

TEST_F(UserStoreTest, AMappedAndLinkedUserComesBackWhole) {
  const std::string a = SignUp("a@example.com", 1000);
  const std::string b = SignUp("b@example.com", 2000);
  Link(a, b);
  Map(a, "external-a");
  ASSERT_TRUE(store_.MarkEmailVerified(tenant_.Scope(), "external-a", "a@example.com").ok());
  for (const std::string& id : {a, b, std::string("external-a")}) {
    auto user = store_.FindById(tenant_.Scope(), id);
    ASSERT_TRUE(user.ok() && user->has_value());
    EXPECT_EQ((*user)->id(), "external-a");
    EXPECT_TRUE((*user)->is_primary_user());
    ASSERT_EQ((*user)->login_methods_size(), 2);
    EXPECT_EQ((*user)->login_methods(0).recipe_user_id(), "external-a");
    EXPECT_TRUE((*user)->login_methods(0).verified());
    EXPECT_EQ((*user)->login_methods(1).recipe_user_id(), b);
    EXPECT_FALSE((*user)->login_methods(1).verified());
  }
  auto resolved = store_.Resolve(tenant_.Scope(), {b, "nobody", "external-a"}, true);
  ASSERT_TRUE(resolved.ok()) << db::DatabaseCause(resolved.status());
  ASSERT_EQ(resolved->size(), 3u);
  EXPECT_EQ((*resolved)[0].external_id, b);
  EXPECT_EQ((*resolved)[0].primary_external, "external-a");
  EXPECT_EQ((*resolved)[0].linked_external.size(), 2u);
  EXPECT_FALSE((*resolved)[1].found);
  EXPECT_EQ((*resolved)[2].user_id, a);
}

TEST_F(UserStoreTest, ThirdPartySignInRegistersOnceAndFollowsTheEmail) {
  const Identity input = ThirdParty("google", "user-1", "a@example.com");
  auto first = SignInOrUp(store_, clock_, tenant_.Scope(), input, false);
  ASSERT_TRUE(first.ok()) << first.status() << db::DatabaseCause(first.status());
  const SignedInOrUp created = first->value();
  EXPECT_TRUE(created.created);
  auto again = SignInOrUp(store_, clock_, tenant_.Scope(), input, false);
  const SignedInOrUp known = again->value();
  EXPECT_FALSE(known.created);
  EXPECT_EQ(known.user.id(), created.user.id());
  EXPECT_EQ(known.method.third_party().user_id(), "user-1");
  auto moved = SignInOrUp(store_, clock_, tenant_.Scope(),
                          ThirdParty("google", "user-1", "b@example.com"), true);
  ASSERT_TRUE(moved.ok()) << moved.status() << db::DatabaseCause(moved.status());
  EXPECT_EQ(moved->value().method.email(), "b@example.com");
  EXPECT_TRUE(moved->value().method.verified());
  auto user = store_.FindById(tenant_.Scope(), created.user.id());
  EXPECT_EQ((*user)->login_methods(0).email(), "b@example.com");
  EXPECT_TRUE((*user)->login_methods(0).verified());
  EXPECT_EQ(tenant_.Count({"tp_rows", "SELECT count(*) FROM recipe_user_tenants"}), 2);
}

TEST_F(UserStoreTest, EmailChangeKeepsEmailsUnique) {
  const std::string a = SignUp("a@example.com");
  SignUp("b@example.com");
  EXPECT_EQ(ChangeEmail(a, "b@example.com"), EmailChange::kTaken);
  EXPECT_EQ(ChangeEmail(a, "a@example.com"), EmailChange::kDone);
  EXPECT_EQ(ChangeEmail(a, "c@example.com"), EmailChange::kDone);
  EXPECT_EQ(ChangeEmail("nobody", "c@example.com"), EmailChange::kUnknownUser);
  EXPECT_TRUE(credentials_.FindCredentials(tenant_.Scope(), "c@example.com")->has_value());
  EXPECT_FALSE(credentials_.FindCredentials(tenant_.Scope(), "a@example.com")->has_value());
}

TEST_F(UserStoreTest, APrimaryUsersEmailChangeMovesItsReservation) {
  const std::string a = SignUp("a@example.com");
  const std::string b = SignUp("b@example.com");
  const std::string c = SignUp("c@example.com");
  const std::string d = SignUp("d@example.com");
  Link(a, b);
  Link(c, d);
  EXPECT_EQ(ChangeEmail(a, "c@example.com"), EmailChange::kNotAllowed);
  EXPECT_EQ(ChangeEmail(a, "e@example.com"), EmailChange::kDone);
  EXPECT_EQ(tenant_.Count({"r1", "SELECT count(*) FROM primary_user_tenants WHERE"
                                 " account_info_value = 'e@example.com'"}), 1);
  EXPECT_EQ(tenant_.Count({"r2", "SELECT count(*) FROM primary_user_tenants WHERE"
                                 " account_info_value = 'a@example.com'"}), 0);
}

TEST_F(UserStoreTest, AResetTokenWorksOnce) {
  const std::string a = SignUp("a@example.com");
  const Where scope = tenant_.Scope();
  ASSERT_TRUE(*credentials_.AddResetToken(scope, a, "hash-1", "a@example.com", 500));
  EXPECT_FALSE(*credentials_.AddResetToken(scope, a, "hash-1", "a@example.com", 500));
  EXPECT_TRUE(absl::IsNotFound(
      credentials_.AddResetToken(scope, "nobody", "hash-0", "a@example.com", 500).status()));
  ASSERT_TRUE(*credentials_.AddResetToken(scope, a, "hash-2", std::nullopt, 500));
  const std::string hash = "new hash";
  auto use = credentials_.UseResetToken(scope, "hash-1", 400, &hash);
  ASSERT_TRUE(use.ok()) << db::DatabaseCause(use.status());
  ASSERT_TRUE(use->has_value());
  EXPECT_EQ((*use)->user_id, a);
  EXPECT_EQ((*use)->email, "a@example.com");
  EXPECT_EQ((*credentials_.FindCredentials(scope, "a@example.com"))->password_hash, hash);
  EXPECT_FALSE(credentials_.UseResetToken(scope, "hash-2", 400, &hash)->has_value());
  ASSERT_TRUE(*credentials_.AddResetToken(scope, a, "hash-3", std::nullopt, 500));
  EXPECT_FALSE(credentials_.UseResetToken(scope, "hash-3", 501, nullptr)->has_value());
  EXPECT_EQ(tenant_.Count({"left", "SELECT count(*) FROM emailpassword_pswd_reset_tokens"}), 0);
}

TEST_F(UserStoreTest, PagesFollowTimeJoined) {
  std::vector<std::string> ids;
  for (int i = 0; i < 7; ++i) {
    ids.push_back(SignUp("u" + std::to_string(i) + "@example.com", 1000 + i));
  }
  Link(ids[0], ids[3]);
  for (bool descending : {false, true}) {
    std::vector<std::string> seen;
    PageQuery query;
    query.descending = descending;
    query.limit = 2;
    while (true) {
      auto page = listing_.ListPage(tenant_.Scope(), query);
      ASSERT_TRUE(page.ok()) << db::DatabaseCause(page.status());
      for (const v1::User& user : page->users) seen.push_back(user.supertokens_user_id());
      if (!page->next.has_value()) break;
      EXPECT_EQ(page->users.size(), 2u);
      query.start = page->next;
    }
    std::vector<std::string> want = {ids[0], ids[1], ids[2], ids[4], ids[5], ids[6]};
    if (descending) std::reverse(want.begin(), want.end());
    EXPECT_EQ(seen, want);
  }
  EXPECT_EQ(*listing_.CountTenant(tenant_.Scope(), {}), 6);
  EXPECT_EQ(*listing_.CountTenant(tenant_.Scope(), {"emailpassword"}), 6);
  EXPECT_EQ(*listing_.CountTenant(tenant_.Scope(), {"thirdparty"}), 0);
  EXPECT_EQ(*listing_.CountApp(tenant_.Scope(), {}), 6);
  EXPECT_EQ(*listing_.CountApp(tenant_.Scope(), {"emailpassword"}), 6);
  EXPECT_EQ(*listing_.CountTenant(tenant_.Scope("t1"), {}), 0);
}

TEST_F(UserStoreTest, ASmallTenantOfALargeAppIsListed) {
  ASSERT_TRUE(
      tenant_.database
          ->ExecuteScript(testing::Soon(),
                         "INSERT INTO app_id_to_user_id SELECT 'public', u, 'emailpassword', u,"
                         " FALSE, n, n FROM (SELECT n, gen_random_uuid()::text AS u"
                         " FROM generate_series(1, 3000) n) g")
          .ok());
  const std::string last = SignUp("last@example.com", 9000, "t1");
  PageQuery query;
  query.limit = 2;
  auto page = listing_.ListPage(tenant_.Scope("t1"), query);
  ASSERT_TRUE(page.ok()) << db::DatabaseCause(page.status());
  ASSERT_EQ(page->users.size(), 1u);
  EXPECT_EQ(page->users.front().supertokens_user_id(), last);
}

TEST_F(UserStoreTest, SearchMatchesBeginnings) {
  SignUp("alice@example.com", 1);
  SignUp("bob@alicorn.org", 2);
  SignUp("carol@example.com", 3);
  ASSERT_TRUE(*store_.Register(
      tenant_.Scope(), {crypto::NewUuid4(), ThirdParty("Google", "1", "ali@x.io"), 4, false}));
  auto found = [&](SearchTags tags) {
    auto users = listing_.Search(tenant_.Scope(), tags, false);
    EXPECT_TRUE(users.ok()) << db::DatabaseCause(users.status());
    return users.ok() ? users->size() : 999;
  };
  EXPECT_EQ(found({{"ali"}, {}, {}}), 3u);
  EXPECT_EQ(found({{"example"}, {}, {}}), 2u);
  EXPECT_EQ(found({{}, {}, {"goo"}}), 1u);
  EXPECT_EQ(found({{"ali"}, {}, {"goo"}}), 1u);
  EXPECT_EQ(found({{"ali"}, {"+1"}, {}}), 0u);
  EXPECT_EQ(found({{}, {}, {"google::1"}}), 0u);
}

TEST_F(UserStoreTest, SearchTagsAreBeginningsOfPatterns) {
  SignUp("a_1@example.com", 1);
  SignUp("ab1@example.com", 2);
  SignUp("zab@a.org", 3);
  auto found = [&](const std::string& email) {
    auto users = listing_.Search(tenant_.Scope(), {{email}, {}, {}}, false);
    EXPECT_TRUE(users.ok()) << db::DatabaseCause(users.status());
    return users.ok() ? users->size() : 999;
  };
  EXPECT_EQ(found("a_1"), 2u);
  EXPECT_EQ(found("a\\_1"), 1u);
  EXPECT_EQ(found("a%"), 3u);
  EXPECT_EQ(found("%b"), 2u);
  EXPECT_EQ(found("%"), 3u);
  EXPECT_EQ(found("exam_le"), 2u);
  EXPECT_EQ(found("ex%org"), 0u);
}

TEST_F(UserStoreTest, ActivityIsCountedOnceAUser) {
  PgActivityStore activity_store(tenant_.tenants);
  testing::FakeActivityLog audit;
  activity::ActivityLog audit_log(audit, clock_);
  ActivityRecorder recorder(activity_store, audit_log, clock_);
  const std::string a = SignUp("a@example.com");
  recorder.Note(tenant_.Scope(), a);
  recorder.Note(tenant_.Scope(), "somebody-else");
  auto count = recorder.CountSince(tenant_.Scope(), 0);
  ASSERT_TRUE(count.ok()) << db::DatabaseCause(count.status());
  EXPECT_EQ(*count, 2);
  clock_.AdvanceMs(10);
  recorder.Note(tenant_.Scope(), a);
  EXPECT_EQ(*recorder.CountSince(tenant_.Scope(), 1'000'005), 1);
  recorder.Note(tenant_.Scope(), "gone");
  EXPECT_TRUE(recorder.Forget(tenant_.Scope(), tenant_.Scope(), {"gone"}).ok());
  EXPECT_EQ(*recorder.CountSince(tenant_.Scope(), 0), 2);
}

TEST_F(UserStoreTest, ActivityOfAUserOfAnotherDatabaseGoesWithTheUser) {
  auto own = testing::TestPostgres::Shared().CreateDatabase();
  PgActivityStore activity_store(tenant_.tenants);
  testing::FakeActivityLog audit;
  activity::ActivityLog audit_log(audit, clock_);
  ActivityRecorder recorder(activity_store, audit_log, clock_);
  const Where app = tenant_.Scope();
  const Where far = {tenant_.tenants.AddWithDatabase("public", "far", *own), testing::Soon()};
  for (const char* user : {"far-saved", "here"}) recorder.Note(app, user);
  EXPECT_EQ(*recorder.CountSince(app, 0), 2);
  recorder.Note(app, "far-noted");
  ASSERT_TRUE(recorder.Forget(app, far, {"far-saved", "far-noted"}).ok());
  EXPECT_EQ(*recorder.CountSince(app, 0), 1);
}

TEST_F(UserStoreTest, ThirdPartySignInsWithDifferentEmailsAtOnceAllSucceed) {
  const Where scope = tenant_.Scope();
  std::atomic<int> failed = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 6; ++i) {
      threads.emplace_back([&, i] {
        for (int round = 0; round < 15; ++round) {
          const Identity input =
              ThirdParty("google", "g-1", "e" + std::to_string(i) + "@example.com");
          auto done = SignInOrUp(store_, clock_, scope, input, i % 2 == 0);
          if (!done.ok() || !done->has_value()) ++failed;
        }
      });
    }
  }
  EXPECT_EQ(failed, 0);
}

}  // namespace
}  // namespace gatehouse::users
