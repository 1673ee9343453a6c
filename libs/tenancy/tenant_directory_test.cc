#include "libs/tenancy/tenant_directory.h"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/tenancy/change_assembler.h"

namespace gatehouse::tenancy {
namespace {

using Record = gatehouse::tenants::v1::Tenant;

Record MakeRecord(std::string_view domain, std::string_view app, std::string_view tenant,
                  std::string_view config = "{}") {
  Record record;
  *record.mutable_scope() = MakeScope(domain, app, tenant);
  record.set_core_config_json(std::string(config));
  return record;
}

Record Numbered(int64_t incarnation, Record record) {
  record.set_incarnation(incarnation);
  return record;
}

class TenantDirectoryTest : public testing::Test {
 protected:
  void Fill(std::vector<Record> records, std::string_view base = "{}", bool valid = true) {
    records.push_back(MakeRecord("", "public", "public"));
    EXPECT_EQ(directory.Apply(true, base, records, {}).empty(), valid);
  }
  int64_t Validity(std::string_view app, std::string_view tenant) {
    auto found = directory.Find(MakeScope("", app, tenant));
    return found.ok() ? (*found)->config->access_token_validity_s() : -1;
  }

  // The directory asks `answer` for each name that it does not know.
  void FallBackOn(std::function<std::optional<Record>(const common::v1::Scope&)> answer) {
    directory.SetFallback([this, answer](const std::vector<common::v1::Scope>& names, absl::Time) {
      ++calls;
      std::vector<Record> records;
      for (const common::v1::Scope& name : names) {
        if (auto record = answer(name)) records.push_back(*std::move(record));
      }
      return absl::StatusOr<std::vector<Record>>(std::move(records));
    });
  }
  // What a request to the scope sees that is checked now.
  common::v1::Scope Admitted(const common::v1::Scope& scope) {
    const auto sight = directory.Look(scope);
    EXPECT_TRUE(sight.ok() && sight->has_value());
    return Admit(scope, (*sight)->app.get(), (*sight)->tenant.get());
  }
  ErrorReason Found(const common::v1::Scope& scope) {
    return ReasonOf(directory.Find(scope).status());
  }

  TenantDirectory directory{/*test_mode=*/true};
  std::atomic<int> calls = 0;
};

TEST_F(TenantDirectoryTest, IsNotReadyBeforeTheFirstFullMessage) {
  EXPECT_FALSE(directory.ready());
  EXPECT_EQ(directory.base_config(), nullptr);
  EXPECT_EQ(ReasonOf(directory.Find(MakeScope("", "public", "public")).status()),
            ErrorReason::kTenantNotFound);
  EXPECT_FALSE(directory.Apply(false, "", {MakeRecord("", "a", "public")}, {}).empty());
  Fill({});
  EXPECT_TRUE(directory.ready());
  EXPECT_NE(directory.base_config(), nullptr);
}

TEST_F(TenantDirectoryTest, UnknownTenantGivesTheOriginalsText) {
  Fill({});
  const auto found = directory.Find(MakeScope("", "nosuchapp", "public"));
  EXPECT_EQ(found.status().message(),
            "AppId or tenantId not found => Tenant with the following connectionURIDomain, appId "
            "and tenantId combination not found: (, nosuchapp, public)");
}

TEST_F(TenantDirectoryTest, ConfigurationIsInheritedFromAppDomainAndBase) {
  Fill(
      {MakeRecord("", "a", "public", R"({"access_token_validity":111})"), MakeRecord("", "a", "t1"),
       MakeRecord("", "a", "t2", R"({"totp_max_attempts":9})"), MakeRecord("", "b", "public")},
      R"({"access_token_validity":222})");
  EXPECT_EQ(Validity("a", "public"), 111);
  EXPECT_EQ(Validity("a", "t1"), 111);
  EXPECT_EQ(Validity("a", "t2"), 111);
  EXPECT_EQ(Validity("b", "public"), 222);
  EXPECT_EQ(Validity("public", "public"), 222);
  EXPECT_EQ((*directory.Find(MakeScope("", "a", "t2")))->config->totp_max_attempts(), 9);
}

TEST_F(TenantDirectoryTest, TenantsThatSetNothingShareTheirParentsConfiguration) {
  Fill({MakeRecord("", "a", "public", R"({"access_token_validity":111})"),
        MakeRecord("", "a", "t1"), MakeRecord("", "a", "t2")});
  EXPECT_EQ((*directory.Find(MakeScope("", "a", "t1")))->config,
            (*directory.Find(MakeScope("", "a", "t2")))->config);
}

TEST_F(TenantDirectoryTest, AChangeReachesHeirsAndNobodyElse) {
  Fill({MakeRecord("", "a", "public"), MakeRecord("", "a", "t1"), MakeRecord("", "b", "public")});
  const TenantPtr other = *directory.Find(MakeScope("", "b", "public"));
  directory.Apply(false, "", {MakeRecord("", "a", "public", R"({"access_token_validity":5})")}, {});
  EXPECT_EQ(Validity("a", "public"), 5);
  EXPECT_EQ(Validity("a", "t1"), 5);
  EXPECT_EQ(*directory.Find(MakeScope("", "b", "public")), other);
}

TEST_F(TenantDirectoryTest, RemovalTakesTenantAndDomainAway) {
  Fill({MakeRecord("x.example", "public", "public"), MakeRecord("", "a", "public")});
  EXPECT_TRUE(directory.HasConnectionUriDomain("x.example"));
  EXPECT_EQ(directory.size(), 3u);
  const uint64_t removals = directory.removals();
  directory.Apply(false, "", {MakeRecord("", "b", "public")}, {});
  EXPECT_EQ(directory.removals(), removals);
  directory.Apply(false, "", {},
                  {MakeScope("x.example", "public", "public"), MakeScope("", "a", "public"),
                   MakeScope("", "b", "public")});
  EXPECT_GT(directory.removals(), removals);
  EXPECT_FALSE(directory.HasConnectionUriDomain("x.example"));
  EXPECT_TRUE(directory.HasConnectionUriDomain(""));
  EXPECT_FALSE(directory.Find(MakeScope("", "a", "public")).ok());
  EXPECT_EQ(directory.size(), 1u);
}

TEST_F(TenantDirectoryTest, AFullMessageReplacesEverything) {
  Fill({MakeRecord("", "a", "public")});
  Fill({MakeRecord("", "b", "public")});
  EXPECT_EQ(Validity("a", "public"), -1);
  EXPECT_NE(Validity("b", "public"), -1);
}

TEST_F(TenantDirectoryTest, WhatCanNotBeJudgedIsLeftOutWithItsHeirs) {
  constexpr std::string_view kJava = R"({"ip_deny_regex":"(?!10).*"})";
  for (const bool at_once : {true, false}) {
    Fill({MakeRecord("", "a", "public", at_once ? kJava : "{}"),
          MakeRecord("", "a", "t1", R"({"api_keys":"a-very-long-api-key-0123456789"})"),
          MakeRecord("", "b", "public")},
         "{}", /*valid=*/!at_once);
    if (!at_once) {
      const auto problems = directory.Apply(false, "", {MakeRecord("", "a", "public", kJava)}, {});
      ASSERT_EQ(problems.size(), 2u);
      EXPECT_NE(problems[0].find("(, a, public)"), std::string::npos) << problems[0];
    }
    EXPECT_EQ(Found(MakeScope("", "a", "public")), ErrorReason::kDependencyDown);
    EXPECT_EQ(Found(MakeScope("", "a", "t1")), ErrorReason::kDependencyDown);
    EXPECT_EQ(ReasonOf(directory.Look(MakeScope("", "a", "t1")).status()),
              ErrorReason::kDependencyDown);
    EXPECT_EQ(ReasonOf(directory.Look(MakeScope("", "a", "nosuch")).status()),
              ErrorReason::kDependencyDown);
    EXPECT_TRUE(directory.Find(MakeScope("", "b", "public")).ok());
    EXPECT_EQ(directory.left_out(), 2u);
    EXPECT_EQ(directory.size(), 2u);
    // A repair of the app brings its tenants back.
    EXPECT_TRUE(directory.Apply(false, "", {MakeRecord("", "a", "public")}, {}).empty());
    EXPECT_TRUE(directory.Find(MakeScope("", "a", "t1")).ok());
    EXPECT_EQ(directory.left_out(), 0u);
  }
}

TEST_F(TenantDirectoryTest, ADomainThatCanNotBeJudgedIsNotTakenForTheDefaultOne) {
  Fill({MakeRecord("x.example", "public", "public", R"({"access_token_validity":"x"})"),
        MakeRecord("x.example", "a", "public")},
       "{}", /*valid=*/false);
  EXPECT_TRUE(directory.HasConnectionUriDomain("x.example"));
  EXPECT_EQ(Found(MakeScope("x.example", "public", "public")), ErrorReason::kDependencyDown);
  EXPECT_EQ(Found(MakeScope("x.example", "a", "public")), ErrorReason::kDependencyDown);
}

TEST_F(TenantDirectoryTest, SettingsThatAreNoJsonAreNotTakenForNone) {
  Fill({MakeRecord("", "a", "public", R"({"api_keys":"a-very-long-api)"),
        MakeRecord("", "b", "public", "[1,2]")},
       "{}", /*valid=*/false);
  EXPECT_EQ(Found(MakeScope("", "a", "public")), ErrorReason::kDependencyDown);
  EXPECT_EQ(Found(MakeScope("", "b", "public")), ErrorReason::kDependencyDown);
}

TEST_F(TenantDirectoryTest, ATenantWithoutItsAppIsLeftOut) {
  Fill({MakeRecord("", "a", "public"), MakeRecord("", "a", "t1")});
  EXPECT_EQ(directory.Apply(false, "", {}, {MakeScope("", "a", "public")}).size(), 1u);
  EXPECT_EQ(Found(MakeScope("", "a", "t1")), ErrorReason::kDependencyDown);
  EXPECT_TRUE(directory.Apply(false, "", {MakeRecord("", "a", "public")}, {}).empty());
  EXPECT_TRUE(directory.Find(MakeScope("", "a", "t1")).ok());
}

TEST_F(TenantDirectoryTest, ARequestNeverFindsAnAppThatItsChecksDidNotSee) {
  Fill({});
  const common::v1::Scope before = Admitted(MakeScope("", "a", "public"));
  directory.Apply(false, "", {Numbered(1, MakeRecord("", "a", "public"))}, {});
  EXPECT_EQ(Found(before), ErrorReason::kTenantNotFound);
  EXPECT_FALSE(directory.FindApp(before).ok());

  const common::v1::Scope first = Admitted(MakeScope("", "a", "public"));
  EXPECT_TRUE(directory.Find(first).ok());
  directory.Apply(false, "", {}, {MakeScope("", "a", "public")});
  directory.Apply(false, "", {Numbered(2, MakeRecord("", "a", "public"))}, {});
  EXPECT_EQ(Found(first), ErrorReason::kTenantNotFound);
  EXPECT_TRUE(directory.Find(Admitted(MakeScope("", "a", "public"))).ok());
  EXPECT_TRUE(directory.Find(MakeScope("", "a", "public")).ok()) << "no stamp: judged by policy";
}

TEST_F(TenantDirectoryTest, ARequestNeverFindsATenantThatItsChecksDidNotSee) {
  Fill({Numbered(1, MakeRecord("", "a", "public"))});
  const common::v1::Scope before = Admitted(MakeScope("", "a", "t1"));
  directory.Apply(false, "", {Numbered(2, MakeRecord("", "a", "t1"))}, {});
  EXPECT_EQ(Found(before), ErrorReason::kTenantNotFound);
  EXPECT_TRUE(directory.FindApp(before).ok()) << "its app was there";

  const common::v1::Scope first = Admitted(MakeScope("", "a", "t1"));
  EXPECT_TRUE(directory.Find(first).ok());
  common::v1::Scope app = first;
  app.set_tenant_id("public");
  EXPECT_TRUE(directory.Find(app).ok());
  directory.Apply(false, "", {Numbered(3, MakeRecord("", "a", "t1"))}, {});
  EXPECT_EQ(Found(first), ErrorReason::kTenantNotFound);
  EXPECT_TRUE(directory.Find(app).ok());
  common::v1::Scope other = first;
  other.set_tenant_id("t2");
  directory.Apply(false, "", {Numbered(4, MakeRecord("", "a", "t2"))}, {});
  EXPECT_TRUE(directory.Find(other).ok()) << "its app's key was asked for";
  directory.Apply(false, "", {Numbered(5, MakeRecord("", "a", "public"))}, {});
  EXPECT_EQ(Found(other), ErrorReason::kTenantNotFound) << "but not this one's";
  EXPECT_EQ(Found(app), ErrorReason::kTenantNotFound);
}

TEST_F(TenantDirectoryTest, WhatAServicePassesOnFindsTheSameTenantOnly) {
  Fill({Numbered(1, MakeRecord("", "a", "public")), Numbered(2, MakeRecord("", "a", "t1"))});
  const common::v1::Scope passed_on = (*directory.Find(MakeScope("", "a", "t1")))->scope();
  EXPECT_TRUE(directory.Find(passed_on).ok());
  directory.Apply(false, "", {Numbered(7, MakeRecord("", "a", "public"))}, {});
  EXPECT_EQ(Found(passed_on), ErrorReason::kTenantNotFound);
}

TEST_F(TenantDirectoryTest, AnotherTenantOfTheAppIsFoundByTheSameRules) {
  Fill({Numbered(1, MakeRecord("", "a", "public")), Numbered(2, MakeRecord("", "a", "t1"))});
  const common::v1::Scope scope = Admitted(MakeScope("", "a", "t1"));
  EXPECT_EQ((*directory.FindNamed(scope, "public"))->tenant_id, "public");
  EXPECT_EQ(directory.FindNamed(scope, "t2").status().message(),
            directory.Find(MakeScope("", "a", "t2")).status().message());
  directory.Apply(false, "", {Numbered(3, MakeRecord("", "a", "t2"))}, {});
  EXPECT_EQ((*directory.FindNamed(scope, "t2"))->tenant_id, "t2") << "its app's key was asked for";
  directory.Apply(false, "", {Numbered(4, MakeRecord("", "a", "t1"))}, {});
  EXPECT_FALSE(directory.FindNamed(scope, "t1").ok()) << "it is not the one that was seen";
  directory.Apply(false, "", {Numbered(5, MakeRecord("", "a", "public"))}, {});
  EXPECT_FALSE(directory.FindNamed(scope, "t2").ok());
}

TEST_F(TenantDirectoryTest, WhatAThreadWasToldHoldsNoLongerThanItIsTrue) {
  constexpr std::string_view kFive = R"({"access_token_validity":5})";
  TenantDirectory another(true);
  another.Apply(true, "{}", {MakeRecord("", "public", "public"), MakeRecord("", "a", "t1"),
                             MakeRecord("", "a", "public", kFive)}, {});
  Fill({MakeRecord("", "a", "public", R"({"access_token_validity":4})"), MakeRecord("", "a", "t1")});
  for (const std::string_view tenant : {"public", "t1"}) {
    const common::v1::Scope scope = MakeScope("", "a", tenant);
    for (int i = 0; i < 2; ++i) {
      EXPECT_EQ(Validity("a", tenant), 4);
      EXPECT_EQ((**directory.Look(scope)).tenant->config->access_token_validity_s(), 4);
      EXPECT_EQ((*another.Find(scope))->config->access_token_validity_s(), 5);
      EXPECT_EQ((**another.Look(scope)).app->config->access_token_validity_s(), 5);
    }
  }
  // By another thread, as always.
  const auto changed = [&](std::vector<Record> records, std::vector<common::v1::Scope> removed) {
    std::jthread([&] { directory.Apply(false, "", records, removed); }).join();
  };
  changed({MakeRecord("", "a", "public", R"({"access_token_validity":6})")}, {});
  EXPECT_EQ(Validity("a", "public"), 6);
  EXPECT_EQ(Validity("a", "t1"), 6);
  EXPECT_EQ((**directory.Look(MakeScope("", "a", "t1"))).tenant->config->access_token_validity_s(), 6);
  changed({}, {MakeScope("", "a", "t1")});
  EXPECT_FALSE(directory.Find(MakeScope("", "a", "t1")).ok());
  EXPECT_EQ((**directory.Look(MakeScope("", "a", "t1"))).tenant, nullptr);
  changed({}, {MakeScope("", "a", "public")});
  EXPECT_EQ((**directory.Look(MakeScope("", "a", "public"))).app, nullptr);
  EXPECT_EQ(Validity("a", "public"), -1);
}

TEST_F(TenantDirectoryTest, OneTenantForEachDatabaseOfAnApp) {
  Fill({MakeRecord("", "a", "public"), MakeRecord("", "a", "t1"),
        MakeRecord("", "a", "t2", R"({"postgresql_table_schema":"two"})"),
        MakeRecord("", "a", "t3", R"({"postgresql_table_schema":"two"})"),
        MakeRecord("", "a", "t4", R"({"postgresql_connection_pool_size":3})"),
        MakeRecord("", "b", "public")});
  const auto names = [&](std::vector<TenantPtr> tenants) {
    std::string all;
    for (const TenantPtr& tenant : tenants) all += StrCat(tenant->tenant_id, " ");
    return all;
  };
  const auto app = [&] { return *directory.Find(MakeScope("", "a", "public")); };
  EXPECT_EQ(names(directory.OnePerDatabase(app())), "public t2 ");
  EXPECT_EQ(directory.CountOfApp(*app()), 5u);
  directory.Apply(false, "", {}, {MakeScope("", "a", "t2"), MakeScope("", "a", "t4")});
  EXPECT_EQ(names(directory.OnePerDatabase(app())), "public t3 ");
  directory.Apply(false, "", {MakeRecord("", "a", "t3")}, {});
  EXPECT_EQ(names(directory.OnePerDatabase(app())), "public ");
  const TenantPtr gone = app();
  directory.Apply(false, "", {Numbered(9, MakeRecord("", "a", "public"))}, {});
  EXPECT_EQ(names(directory.OnePerDatabase(gone)), "public ") << "of another app nothing is shown";
  EXPECT_EQ(directory.OnePerDatabase(gone)[0], gone);
}

TEST_F(TenantDirectoryTest, StorageIdTellsDatabasesApart) {
  Fill({MakeRecord("", "a", "public", R"({"access_token_validity":111})"),
        MakeRecord("", "b", "public", R"({"postgresql_table_schema":"other"})"),
        MakeRecord("", "b", "t1")});
  EXPECT_EQ((*directory.Find(MakeScope("", "public", "public")))->storage_id, "");
  EXPECT_EQ((*directory.Find(MakeScope("", "a", "public")))->storage_id, "");
  const std::string own = (*directory.Find(MakeScope("", "b", "public")))->storage_id;
  EXPECT_NE(own, "");
  EXPECT_EQ((*directory.Find(MakeScope("", "b", "t1")))->storage_id, own);
}

TEST_F(TenantDirectoryTest, PoolsOfOneDatabaseHaveOneDatabaseId) {
  Fill({MakeRecord("", "a", "public", R"({"postgresql_connection_pool_size":3})"),
        MakeRecord("", "b", "public", R"({"postgresql_table_schema":"other"})"),
        MakeRecord("", "b", "t1", R"({"postgresql_connection_pool_size":3})")});
  const auto find = [&](const char* app, const char* tenant) {
    return *directory.Find(MakeScope("", app, tenant));
  };
  EXPECT_NE(find("a", "public")->storage_id, "");
  EXPECT_EQ(find("a", "public")->database_id, "");
  EXPECT_NE(find("b", "public")->database_id, "");
  EXPECT_NE(find("b", "public")->storage_id, find("b", "t1")->storage_id);
  EXPECT_EQ(find("b", "public")->database_id, find("b", "t1")->database_id);
}

TEST_F(TenantDirectoryTest, StorageIdsAreThoseOfTheTenantsThereAre) {
  Fill({MakeRecord("", "a", "public", R"({"postgresql_table_schema":"one"})"),
        MakeRecord("", "a", "t1"), MakeRecord("", "b", "public")});
  const std::string one = (*directory.Find(MakeScope("", "a", "t1")))->storage_id;
  EXPECT_EQ(directory.StorageIds(), std::set<std::string>{one});
  directory.Apply(false, "",
                  {MakeRecord("", "a", "public", R"({"postgresql_table_schema":"two"})")}, {});
  const std::string two = (*directory.Find(MakeScope("", "a", "t1")))->storage_id;
  EXPECT_EQ(directory.StorageIds(), std::set<std::string>{two});
  directory.Apply(false, "", {}, {MakeScope("", "a", "t1")});
  EXPECT_EQ(directory.StorageIds(), std::set<std::string>{two});
  directory.Apply(false, "", {}, {MakeScope("", "a", "public")});
  EXPECT_TRUE(directory.StorageIds().empty());
}

TEST_F(TenantDirectoryTest, FallbackFindsWhatTheStreamHasNotBroughtYet) {
  Fill({});
  FallBackOn([&](const common::v1::Scope& scope) -> std::optional<Record> {
    if (scope.app_id() != "new" || scope.tenant_id() == "none") return std::nullopt;
    return Numbered(
        5, MakeRecord("", "new", scope.tenant_id(),
                      scope.tenant_id() == "public" ? R"({"access_token_validity":77})" : "{}"));
  });
  const absl::Time deadline = absl::InfiniteFuture();
  EXPECT_FALSE(directory.Find(MakeScope("", "new", "t1")).ok()) << "no deadline: no question";
  const auto found = directory.Find(MakeScope("", "new", "t1"), deadline);
  ASSERT_TRUE(found.ok());
  EXPECT_EQ((*found)->config->access_token_validity_s(), 77);
  EXPECT_EQ((*found)->app_incarnation, 5);
  EXPECT_EQ(calls, 1) << "with what it inherits from";
  EXPECT_FALSE(directory.Find(MakeScope("", "new", "none"), deadline).ok());
  EXPECT_FALSE(directory.Find(MakeScope("", "other", "public"), deadline).ok());
}

TEST_F(TenantDirectoryTest, AProcessThatIsBehindAsksForTheTenantThatAnotherOneSaw) {
  Fill({Numbered(1, MakeRecord("", "a", "public"))});
  FallBackOn([&](const common::v1::Scope& scope) -> std::optional<Record> {
    if (scope.app_id() != "a") return std::nullopt;
    return Numbered(2, MakeRecord("", "a", "public", R"({"access_token_validity":77})"));
  });
  common::v1::Scope newer = (*directory.Find(MakeScope("", "a", "public")))->scope();
  newer.mutable_admission()->set_app_incarnation(2);
  newer.mutable_admission()->set_tenant_incarnation(2);
  const auto found = directory.Find(newer, absl::InfiniteFuture());
  ASSERT_TRUE(found.ok());
  EXPECT_EQ((*found)->config->access_token_validity_s(), 77);
  // A tenant that is no longer in the database is gone, whatever this process knows.
  newer.mutable_admission()->set_app_incarnation(3);
  newer.mutable_admission()->set_tenant_incarnation(3);
  EXPECT_EQ(ReasonOf(directory.Find(newer, absl::InfiniteFuture()).status()),
            ErrorReason::kTenantNotFound);
  const int before = calls;
  common::v1::Scope unseen = Admit(MakeScope("", "b", "public"), nullptr, nullptr);
  EXPECT_FALSE(directory.Find(unseen, absl::InfiniteFuture()).ok());
  EXPECT_EQ(calls, before) << "what the checks did not see is not asked for";
}

// Nobody gets 429 because others ask too, and a thousand names take a few calls.
TEST_F(TenantDirectoryTest, AllWhoWaitShareOneCall) {
  Fill({});
  std::mutex mutex;
  std::condition_variable changed;
  bool open = false;
  int done = 0, found = 0;
  FallBackOn([&](const common::v1::Scope& scope) -> std::optional<Record> {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return open; });
    if (scope.app_id() != "real" && scope.app_id() != "a0") return std::nullopt;
    return Numbered(1, MakeRecord("", scope.app_id(), "public"));
  });
  constexpr int kAsked = 1000;
  const auto ask = [&](const std::string& app_id) {
    directory.LookUp(MakeScope("", app_id, "public"), absl::InfiniteFuture(),
                     [&](const absl::StatusOr<Sight>& sight) {
                       std::lock_guard lock(mutex);
                       ASSERT_TRUE(sight.ok()) << sight.status();
                       if (sight->app != nullptr) ++found;
                       ++done;
                       changed.notify_all();
                     });
  };
  for (int i = 0; i < kAsked; ++i) ask(StrCat("a", std::to_string(i)));
  ask("real");
  std::unique_lock lock(mutex);
  open = true;
  changed.notify_all();
  changed.wait(lock, [&] { return done == kAsked + 1; });
  EXPECT_EQ(found, 2);
  EXPECT_LE(calls, 6);
}

TEST_F(TenantDirectoryTest, AFailureOfTheFallbackIsNotTakenForAbsence) {
  Fill({});
  directory.SetFallback([](const std::vector<common::v1::Scope>&, absl::Time) {
    return absl::StatusOr<std::vector<Record>>(MakeError(ErrorReason::kDependencyDown, "down"));
  });
  const auto found = directory.Find(MakeScope("", "a", "public"), absl::InfiniteFuture());
  EXPECT_EQ(ReasonOf(found.status()), ErrorReason::kDependencyDown);
  directory.StopLookUps();
  EXPECT_EQ(ReasonOf(directory.Find(MakeScope("", "a", "public"), absl::InfiniteFuture()).status()),
            ErrorReason::kDependencyDown);
}

TEST_F(TenantDirectoryTest, WhatIsNewAndCanNotBeJudgedIsNotTakenForAbsent) {
  Fill({});
  FallBackOn([&](const common::v1::Scope& scope) -> std::optional<Record> {
    if (scope.app_id() != "new") return std::nullopt;
    return Numbered(1, MakeRecord("", "new", "public", R"({"ip_deny_regex":"(?!10).*"})"));
  });
  EXPECT_EQ(
      ReasonOf(directory.Find(MakeScope("", "new", "public"), absl::InfiniteFuture()).status()),
      ErrorReason::kDependencyDown);
}

TEST(ChangeAssemblerTest, AChangeInPiecesIsOneChange) {
  ChangeAssembler assembler;
  gatehouse::tenants::v1::WatchTenantsResponse piece;
  piece.set_full(true);
  piece.set_base_config_json("{}");
  piece.set_more_follows(true);
  piece.set_version(1);
  *piece.add_upserted() = MakeRecord("", "half", "public");
  EXPECT_FALSE(assembler.Add(piece).has_value());
  // The stream broke; the next one begins with everything again.
  *piece.mutable_upserted(0) = MakeRecord("", "a", "public");
  EXPECT_FALSE(assembler.Add(piece).has_value());
  gatehouse::tenants::v1::WatchTenantsResponse last;
  last.set_version(2);
  *last.add_upserted() = MakeRecord("", "b", "public");
  const auto whole = assembler.Add(last);
  ASSERT_TRUE(whole.has_value());
  EXPECT_TRUE(whole->full());
  EXPECT_EQ(whole->version(), 2);
  EXPECT_EQ(whole->base_config_json(), "{}");
  ASSERT_EQ(whole->upserted_size(), 2);
  EXPECT_EQ(whole->upserted(0).scope().app_id(), "a");
  const auto change = assembler.Add(last);
  ASSERT_TRUE(change.has_value());
  EXPECT_FALSE(change->full());
  EXPECT_EQ(change->upserted_size(), 1);
}

TEST_F(TenantDirectoryTest, ManyTenantsAndAChangeUnderReaders) {
  std::vector<Record> records;
  for (int i = 0; i < 5000; ++i) {
    records.push_back(MakeRecord("", StrCat("app", std::to_string(i)), "public"));
  }
  Fill(records);
  std::atomic<bool> stop = false;
  std::atomic<int> missed = 0;
  std::jthread reader([&] {
    while (!stop) {
      if (!directory.Find(MakeScope("", "app4999", "public")).ok()) ++missed;
    }
  });
  for (int i = 0; i < 2000; ++i) {
    directory.Apply(false, "", {MakeRecord("", StrCat("new", std::to_string(i)), "public")}, {});
  }
  stop = true;
  reader.join();
  EXPECT_EQ(missed, 0);
  EXPECT_EQ(directory.size(), 7001u);
}

}  // namespace
}  // namespace gatehouse::tenancy
