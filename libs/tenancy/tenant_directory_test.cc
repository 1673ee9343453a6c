#include "libs/tenancy/tenant_directory.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "libs/base/status.h"
#include "libs/base/strings.h"

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

class FakeClock final : public Clock {
 public:
  int64_t NowMs() const override { return now_ms; }
  std::atomic<int64_t> now_ms = 1'700'000'000'000;
};

class TenantDirectoryTest : public testing::Test {
 protected:
  void Fill(std::vector<Record> records, std::string_view base = "{}") {
    records.push_back(MakeRecord("", "public", "public"));
    EXPECT_TRUE(directory.Apply(true, base, records, {}).empty());
  }
  int64_t Validity(std::string_view app, std::string_view tenant) {
    auto found = directory.Find(MakeScope("", app, tenant));
    return found.ok() ? (*found)->config->access_token_validity_s() : -1;
  }

  FakeClock clock;
  TenantDirectory directory{/*test_mode=*/true, &clock};
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

TEST_F(TenantDirectoryTest, AnInvalidConfigurationKeepsTheFormerOne) {
  Fill({MakeRecord("", "a", "public", R"({"access_token_validity":111})")});
  const auto problems = directory.Apply(
      false, "", {MakeRecord("", "a", "public", R"({"access_token_validity":"x"})")}, {});
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_EQ(Validity("a", "public"), 111);
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
  int asked = 0;
  directory.SetFallback([&](const common::v1::Scope& scope, absl::Time) {
    ++asked;
    if (scope.app_id() == "new") {
      return absl::StatusOr<Record>(
          MakeRecord("", "new", scope.tenant_id(),
                     scope.tenant_id() == "public" ? R"({"access_token_validity":77})" : "{}"));
    }
    return absl::StatusOr<Record>(TenantNotFound(scope));
  });
  const absl::Time deadline = absl::InfiniteFuture();
  EXPECT_FALSE(directory.Find(MakeScope("", "new", "t1")).ok()) << "no deadline: no question";
  const auto found = directory.Find(MakeScope("", "new", "t1"), deadline);
  ASSERT_TRUE(found.ok());
  EXPECT_EQ((*found)->config->access_token_validity_s(), 77);
  EXPECT_EQ(asked, 2) << "the tenant, and the app that it inherits from";
  EXPECT_TRUE(directory.Find(MakeScope("", "new", "t1"), deadline).ok());
  EXPECT_EQ(asked, 2) << "kept briefly";

  EXPECT_FALSE(directory.Find(MakeScope("", "none", "public"), deadline).ok());
  EXPECT_FALSE(directory.Find(MakeScope("", "none", "public"), deadline).ok());
  EXPECT_EQ(asked, 3) << "its absence too";
  clock.now_ms += 2000;
  EXPECT_FALSE(directory.Find(MakeScope("", "none", "public"), deadline).ok());
  EXPECT_EQ(asked, 4);
}

TEST_F(TenantDirectoryTest, QuestionsASecondAreBounded) {
  Fill({});
  int asked = 0;
  directory.SetFallback([&](const common::v1::Scope& scope, absl::Time) {
    ++asked;
    return absl::StatusOr<Record>(TenantNotFound(scope));
  });
  for (int i = 0; i < 500; ++i) {
    const auto found = directory.Find(MakeScope("", StrCat("a", std::to_string(i)), "public"),
                                      absl::InfiniteFuture());
    EXPECT_EQ(ReasonOf(found.status()),
              i < 100 ? ErrorReason::kTenantNotFound : ErrorReason::kOverloaded);
  }
  EXPECT_EQ(asked, 100);
}

TEST_F(TenantDirectoryTest, AFailureOfTheFallbackIsNotTakenForAbsence) {
  Fill({});
  directory.SetFallback([](const common::v1::Scope&, absl::Time) {
    return absl::StatusOr<Record>(MakeError(ErrorReason::kDependencyDown, "down"));
  });
  const auto found = directory.Find(MakeScope("", "a", "public"), absl::InfiniteFuture());
  EXPECT_EQ(ReasonOf(found.status()), ErrorReason::kDependencyDown);
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
