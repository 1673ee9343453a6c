#include "services/jwks/jwks_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "libs/base/status.h"
#include "libs/crypto/jwt.h"
#include "libs/testing/fake_clock.h"
#include "libs/testing/pg_test_server.h"
#include "libs/testing/policy_check.h"
#include "libs/testing/test_tenants.h"
#include "services/jwks/pg_key_cleanup.h"
#include "services/jwks/pg_key_store.h"
#include "services/jwks/policy.h"

namespace gatehouse::jwks {
namespace {

using gatehouse::testing::FakeClock;
using gatehouse::testing::ScopeOf;
using gatehouse::testing::Soon;
using ::testing::ElementsAre;
using ::testing::StartsWith;

constexpr int64_t kHourMs = 3'600'000;
constexpr int64_t kIntervalMs = 168 * kHourMs;

constexpr db::Statement kCountDynamic = {
    "test_count_dynamic", "SELECT count(*) FROM {session_access_token_signing_keys}"};
constexpr db::Statement kCountStatic = {"test_count_static",
                                        "SELECT count(*) FROM {jwt_signing_keys}"};

// A store so slow that a key is due for rotation by the time it has been stored.
class SlowStore final : public KeyStore {
 public:
  SlowStore(KeyStore& store, FakeClock& clock) : store_(store), clock_(clock) {}

  absl::StatusOr<StoredKeys> Load(const tenancy::Tenant& app, int64_t created_from_ms,
                                  absl::Time deadline) override {
    return store_.Load(app, created_from_ms, deadline);
  }
  absl::StatusOr<StoredKeys> Ensure(const tenancy::Tenant& app, int64_t created_from_ms,
                                    const Candidates& candidates, absl::Time deadline) override {
    auto keys = store_.Ensure(app, created_from_ms, candidates, deadline);
    clock_.AdvanceMs(kIntervalMs);
    return keys;
  }
  absl::Status AdoptDynamic(const tenancy::Tenant&, const StoredKey&, absl::Time) override {
    return MakeError(ErrorReason::kInternal, "unexpected");
  }
  absl::Status AdoptStatic(const tenancy::Tenant&, const StoredKey&, absl::Time) override {
    return MakeError(ErrorReason::kInternal, "unexpected");
  }

 private:
  KeyStore& store_;
  FakeClock& clock_;
};

// One instance of the service.
struct Instance {
  Instance(gatehouse::testing::TestTenants& tenants, const Clock& clock)
      : store(tenants), keys(store, pairs, clock), service(tenants.directory(), keys, clock) {}

  std::vector<std::string> PublishedIds(std::string_view app = "public") {
    rpc::CallContext context{.caller = "gateway", .deadline = Soon()};
    v1::GetPublicKeysRequest request;
    *request.mutable_scope() = ScopeOf(app);
    const auto response = service.GetPublicKeys(context, request);
    EXPECT_TRUE(response.ok()) << response.status();
    std::vector<std::string> ids;
    if (response.ok()) {
      for (const auto& key : response->keys()) ids.push_back(key.key_id());
    }
    return ids;
  }

  v1::GetSigningKeysResponse SigningKeysNow(bool refresh = false, bool with_static_key = false) {
    rpc::CallContext context{.caller = "session", .deadline = Soon()};
    v1::GetSigningKeysRequest request;
    *request.mutable_scope() = ScopeOf("public");
    request.set_refresh(refresh);
    request.set_with_static_key(with_static_key);
    auto response = service.GetSigningKeys(context, request);
    EXPECT_TRUE(response.ok()) << response.status();
    return response.ok() ? *std::move(response) : v1::GetSigningKeysResponse();
  }

  crypto::KeyPairPool pairs{crypto::KeyPairPool::Options{}};
  PgKeyStore store;
  SigningKeys keys;
  JwksService service;
};

class JwksServiceTest : public ::testing::Test {
 protected:
  int64_t Count(const db::Statement& statement) {
    return database->Execute(Soon(), statement)->front().Int64(0);
  }

  std::unique_ptr<db::Database> database =
      gatehouse::testing::TestPostgres::Shared().CreateDatabase();
  gatehouse::testing::TestTenants tenants{*database};
  FakeClock clock;
};

TEST_F(JwksServiceTest, MakesKeysOnFirstNeedAndThenReadsNothing) {
  Instance instance(tenants, clock);
  const auto ids = instance.PublishedIds();
  EXPECT_THAT(ids, ElementsAre("d-1700000000000", StartsWith("s-")));
  const int64_t statements = database->statements_executed();
  EXPECT_EQ(instance.PublishedIds(), ids);
  EXPECT_EQ(database->statements_executed(), statements);
}

TEST_F(JwksServiceTest, MakesAStaticKeyOnlyWhenItIsNeeded) {
  Instance instance(tenants, clock);
  const auto first = instance.SigningKeysNow();
  EXPECT_EQ(first.dynamic_keys_size(), 1);
  EXPECT_EQ(first.static_keys_size(), 0);
  EXPECT_EQ(Count(kCountStatic), 0);

  const auto with_static = instance.SigningKeysNow(/*refresh=*/false, /*with_static_key=*/true);
  ASSERT_EQ(with_static.static_keys_size(), 1);
  EXPECT_EQ(with_static.dynamic_keys(0).key_id(), first.dynamic_keys(0).key_id());
  EXPECT_THAT(instance.PublishedIds(),
              ElementsAre(first.dynamic_keys(0).key_id(), with_static.static_keys(0).key_id()));
  EXPECT_EQ(Count(kCountDynamic), 1);
  EXPECT_EQ(Count(kCountStatic), 1);
}

TEST_F(JwksServiceTest, ThePublishedSetHasAStaticKeyAfterASessionTookADynamicOne) {
  Instance instance(tenants, clock);
  const auto signing = instance.SigningKeysNow();
  EXPECT_THAT(instance.PublishedIds(),
              ElementsAre(signing.dynamic_keys(0).key_id(), StartsWith("s-")));
}

TEST_F(JwksServiceTest, AnotherInstancesStaticKeyIsFoundAtOnce) {
  Instance a(tenants, clock), b(tenants, clock);
  EXPECT_EQ(b.SigningKeysNow().static_keys_size(), 0);
  const auto made = a.SigningKeysNow(/*refresh=*/false, /*with_static_key=*/true);
  const auto found = b.SigningKeysNow(/*refresh=*/true);  // b read a moment ago
  ASSERT_EQ(found.static_keys_size(), 1);
  EXPECT_EQ(found.static_keys(0).key_id(), made.static_keys(0).key_id());
}

TEST_F(JwksServiceTest, FindsTheKeysThatAreThere) {
  const auto ids = Instance(tenants, clock).PublishedIds();
  EXPECT_EQ(Instance(tenants, clock).PublishedIds(), ids);
}

TEST_F(JwksServiceTest, BareReadRotatesWhenDueAndOldKeysGoOnVerifying) {
  Instance instance(tenants, clock);
  instance.PublishedIds();
  clock.AdvanceMs(kIntervalMs - 60'000 + 1);
  const auto ids = instance.PublishedIds();
  ASSERT_EQ(ids.size(), 3u);
  EXPECT_EQ(ids[0], "d-" + std::to_string(clock.NowMs()));
  EXPECT_EQ(ids[1], "d-1700000000000");

  // The new key signs once it has been published for the overlap.
  auto keys = instance.SigningKeysNow();
  EXPECT_EQ(keys.current_dynamic_key_id(), ids[1]);
  EXPECT_EQ(keys.refresh_at_ms(), 1'700'000'000'000 + kIntervalMs);
  clock.SetMs(keys.refresh_at_ms());
  keys = instance.SigningKeysNow();
  EXPECT_EQ(keys.current_dynamic_key_id(), ids[0]);

  clock.SetMs(1'700'000'000'000 + kIntervalMs + 2 * kHourMs);
  EXPECT_EQ(instance.PublishedIds().size(), 3u);
  clock.AdvanceMs(1);
  EXPECT_EQ(instance.PublishedIds(), (std::vector<std::string>{ids[0], ids[2]}));
}

TEST_F(JwksServiceTest, AKeyThatIsDueAsSoonAsItIsStoredStillDoes) {
  const auto app = *tenants.directory().FindApp(ScopeOf("public"), Soon());
  PgKeyStore store(tenants);
  SlowStore slow(store, clock);
  crypto::KeyPairPool pairs({});
  SigningKeys keys(slow, pairs, clock);
  for (const size_t count : {1u, 2u, 2u}) {
    const auto now = keys.Get(*app, StaticKey::kRequired, Soon());
    ASSERT_TRUE(now.ok()) << now.status();
    EXPECT_EQ(now->verifiable, count);
  }
}

TEST_F(JwksServiceTest, TwoInstancesMakeOneKeyAtTheStartAndOneAtRotation) {
  constexpr int kThreads = 4;
  for (int round = 0; round < 3; ++round) {
    auto fresh = gatehouse::testing::TestPostgres::Shared().CreateDatabase();
    gatehouse::testing::TestTenants fresh_tenants(*fresh);
    Instance a(fresh_tenants, clock), b(fresh_tenants, clock);
    const auto race = [&] {
      std::vector<std::vector<std::string>> seen(kThreads);
      {
        std::vector<std::jthread> threads;
        for (int i = 0; i < kThreads; ++i) {
          threads.emplace_back([&, i] { seen[i] = (i % 2 == 0 ? a : b).PublishedIds(); });
        }
      }
      EXPECT_EQ(std::set(seen.begin(), seen.end()).size(), 1u);
      return seen.front().size();
    };
    EXPECT_EQ(race(), 2u);
    clock.AdvanceMs(kIntervalMs);
    EXPECT_EQ(race(), 3u);
    EXPECT_EQ(fresh->Execute(Soon(), kCountDynamic)->front().Int64(0), 2);
    EXPECT_EQ(fresh->Execute(Soon(), kCountStatic)->front().Int64(0), 1);
  }
}

TEST_F(JwksServiceTest, RefreshFindsAnotherInstancesKeyAndIsRateLimited) {
  Instance a(tenants, clock);
  a.PublishedIds();
  ASSERT_TRUE(database
                  ->Execute(Soon(), {"test_copy_key",
                                     "INSERT INTO {session_access_token_signing_keys}"
                                     " SELECT app_id, created_at_time - 5, value"
                                     " FROM {session_access_token_signing_keys}"})
                  .ok());
  EXPECT_EQ(a.SigningKeysNow(/*refresh=*/true).dynamic_keys_size(), 1);  // read a moment ago
  clock.AdvanceMs(1000);
  EXPECT_EQ(a.SigningKeysNow(/*refresh=*/true).dynamic_keys_size(), 2);
  const int64_t statements = database->statements_executed();
  for (int i = 0; i < 100; ++i) a.SigningKeysNow(/*refresh=*/true);
  EXPECT_EQ(database->statements_executed(), statements);
}

// A core of 12.2 or newer waits for no lock of ours: at a rotation both may create a key.
TEST_F(JwksServiceTest, AKeyThatAnotherCoreMadeAtTheSameTimeIsPublished) {
  Instance instance(tenants, clock);
  const auto read = [&] { return instance.keys.ReadWhatOthersMade(tenants.directory(), Soon()); };
  const std::vector<std::string> own = instance.PublishedIds();
  clock.AdvanceMs(100);
  const std::string others_key = instance.pairs.Take()->ToStored();
  ASSERT_TRUE(database
                  ->Execute(Soon(),
                            {"test_others_key",
                             "INSERT INTO {session_access_token_signing_keys}"
                             " (app_id, created_at_time, value) VALUES ('public', $1, $2)"},
                            {clock.NowMs(), others_key})
                  .ok());
  int64_t statements = database->statements_executed();
  EXPECT_TRUE(read().ok());
  EXPECT_EQ(database->statements_executed(), statements) << "not yet";
  clock.AdvanceMs(5000);
  EXPECT_TRUE(read().ok());
  EXPECT_EQ(instance.PublishedIds().size(), own.size() + 1);
  statements = database->statements_executed();
  clock.AdvanceMs(kHourMs);
  EXPECT_TRUE(read().ok());
  EXPECT_EQ(instance.PublishedIds().size(), own.size() + 1);
  EXPECT_EQ(database->statements_executed(), statements) << "looked for once";
}

// In test mode an interval may be shorter than the wait for others' keys.
TEST_F(JwksServiceTest, LookingForOthersKeysMakesNone) {
  for (const int64_t later_ms : {kIntervalMs, 100 * kIntervalMs}) {  // due for rotation, expired
    Instance instance(tenants, clock);
    const auto read = [&] { return instance.keys.ReadWhatOthersMade(tenants.directory(), Soon()); };
    const std::vector<std::string> own = instance.PublishedIds();
    const int64_t made = Count(kCountDynamic);
    clock.AdvanceMs(later_ms);
    int64_t statements = database->statements_executed();
    EXPECT_TRUE(read().ok());
    EXPECT_GT(database->statements_executed(), statements) << "it was its key's turn";
    EXPECT_EQ(Count(kCountDynamic), made);
    statements = database->statements_executed();
    clock.AdvanceMs(kHourMs);
    EXPECT_TRUE(read().ok());
    EXPECT_EQ(database->statements_executed(), statements) << "looked for once";
    EXPECT_NE(instance.PublishedIds(), own) << "whoever asks makes the key";
    EXPECT_EQ(Count(kCountDynamic), made + 1);
    clock.AdvanceMs(kIntervalMs);
  }
}

TEST_F(JwksServiceTest, OthersKeysAreLookedForAgainWhenTheDatabaseIsBack) {
  Instance instance(tenants, clock);
  const std::vector<std::string> own = instance.PublishedIds();
  ASSERT_TRUE(
      database->ExecuteScript(Soon(), "ALTER TABLE {jwt_signing_keys} RENAME TO gone").ok());
  clock.AdvanceMs(6000);
  EXPECT_FALSE(instance.keys.ReadWhatOthersMade(tenants.directory(), Soon()).ok());
  EXPECT_EQ(instance.PublishedIds(), own) << "the known keys stay in use";
  ASSERT_TRUE(database->ExecuteScript(Soon(), "ALTER TABLE gone RENAME TO jwt_signing_keys").ok());
  const int64_t statements = database->statements_executed();
  clock.AdvanceMs(6000);
  EXPECT_TRUE(instance.keys.ReadWhatOthersMade(tenants.directory(), Soon()).ok());
  EXPECT_GT(database->statements_executed(), statements);
}

TEST_F(JwksServiceTest, AppsHaveTheirOwnKeys) {
  tenants.Add("other", "public");
  Instance instance(tenants, clock);
  const auto mine = instance.PublishedIds("public");
  const auto others = instance.PublishedIds("other");
  EXPECT_NE(mine[1], others[1]);
}

TEST_F(JwksServiceTest, UnknownAppIsTold) {
  Instance instance(tenants, clock);
  rpc::CallContext context{.caller = "gateway", .deadline = Soon()};
  v1::GetPublicKeysRequest request;
  *request.mutable_scope() = ScopeOf("nosuchapp");
  EXPECT_EQ(ReasonOf(instance.service.GetPublicKeys(context, request).status()),
            ErrorReason::kTenantNotFound);
}

TEST_F(JwksServiceTest, JwtsVerifyAgainstThePublishedSet) {
  Instance instance(tenants, clock);
  const auto keys = instance.SigningKeysNow(/*refresh=*/false, /*with_static_key=*/true);
  for (const bool use_static : {true, false}) {
    rpc::CallContext context{.caller = "gateway", .deadline = Soon()};
    v1::CreateJwtRequest request;
    *request.mutable_scope() = ScopeOf("public");
    request.set_payload_json("{}");
    request.set_validity_s(10);
    request.set_use_static_key(use_static);
    request.set_algorithm("rs256");
    const auto response = instance.service.CreateJwt(context, request);
    ASSERT_TRUE(response.ok()) << response.status();
    const auto& key = use_static ? keys.static_keys(0) : keys.dynamic_keys(0);
    const auto pair = crypto::RsaKeyPair::FromStored(key.key_pair());
    ASSERT_TRUE(pair.ok());
    EXPECT_TRUE(
        crypto::VerifyJwtSignature(*crypto::SplitJwt(response->jwt()), (*pair)->public_key()));

    request.set_algorithm("HS256");
    EXPECT_TRUE(instance.service.CreateJwt(context, request)->unsupported_algorithm());
    request.set_validity_s(0);
    EXPECT_EQ(ReasonOf(instance.service.CreateJwt(context, request).status()),
              ErrorReason::kBadInput);
  }
}

TEST_F(JwksServiceTest, OnlyNamedCallersMayCall) {
  Instance instance(tenants, clock);
  v1::JwksServiceHandler handler(instance.service);
  gatehouse::testing::ExpectPolicyIsEnforced(handler.info(), JwksServicePolicy());
}

TEST_F(JwksServiceTest, CleanUpRemovesOnlyWhatVerifiesNothing) {
  Instance instance(tenants, clock);
  instance.PublishedIds();
  clock.AdvanceMs(kIntervalMs);
  instance.PublishedIds();
  clock.AdvanceMs(2 * kHourMs);
  ASSERT_TRUE(DeleteExpiredKeys(tenants.directory(), tenants, clock, Soon()).ok());
  EXPECT_EQ(Count(kCountDynamic), 2);
  clock.AdvanceMs(1);
  ASSERT_TRUE(DeleteExpiredKeys(tenants.directory(), tenants, clock, Soon()).ok());
  EXPECT_EQ(Count(kCountDynamic), 1);
}

}  // namespace
}  // namespace gatehouse::jwks
