#include "services/jwks/inherited_key.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gatehouse/tenants/v1/app_settings_service.rpc.h"
#include "libs/base/status.h"
#include "libs/crypto/core_vectors.h"
#include "libs/rpc/dispatcher.h"
#include "libs/testing/fake_clock.h"
#include "libs/testing/pg_test_server.h"
#include "libs/testing/test_tenants.h"
#include "services/jwks/pg_key_store.h"

namespace gatehouse::jwks {
namespace {

using gatehouse::testing::Soon;

class FakeSettings final : public tenants::v1::AppSettingsService {
 public:
  absl::StatusOr<tenants::v1::GetOrCreateSettingResponse> GetOrCreateSetting(
      rpc::CallContext&, const tenants::v1::GetOrCreateSettingRequest&) override {
    return MakeError(ErrorReason::kInternal, "unexpected");
  }
  absl::StatusOr<tenants::v1::GetSettingResponse> GetSetting(
      rpc::CallContext&, const tenants::v1::GetSettingRequest& request) override {
    tenants::v1::GetSettingResponse response;
    if (const auto it = values.find(request.name()); it != values.end()) {
      response.set_value(it->second);
      response.set_created_at_ms(1'699'999'999'000);
    }
    return response;
  }
  absl::StatusOr<tenants::v1::SetSettingResponse> SetSetting(
      rpc::CallContext&, const tenants::v1::SetSettingRequest&) override {
    return MakeError(ErrorReason::kInternal, "unexpected");
  }
  absl::StatusOr<tenants::v1::DeleteSettingResponse> DeleteSetting(
      rpc::CallContext&, const tenants::v1::DeleteSettingRequest& request) override {
    EXPECT_EQ(request.expected_value(), values[request.name()]);
    values.erase(request.name());
    return tenants::v1::DeleteSettingResponse();
  }

  std::map<std::string, std::string> values;
};

class InheritedKeyTest : public ::testing::Test {
 protected:
  KeysNow Keys(std::string_view base_config) {
    gatehouse::testing::TestTenants tenants(*database, base_config);
    PgKeyStore store(tenants);
    crypto::KeyPairPool pairs({});
    SigningKeys keys(store, pairs, clock, MakeInherit(*channel, store));
    auto now = keys.Get(**tenants.directory().FindApp(gatehouse::testing::ScopeOf("public")),
                        StaticKey::kOptional, Soon());
    EXPECT_TRUE(now.ok()) << now.status();
    return *std::move(now);
  }

  gatehouse::testing::FakeClock clock;
  std::unique_ptr<db::Database> database =
      gatehouse::testing::TestPostgres::Shared().CreateDatabase();
  FakeSettings settings;
  tenants::v1::AppSettingsServiceHandler handler{settings};
  std::unique_ptr<rpc::Dispatcher> dispatcher =
      *rpc::Dispatcher::Create(handler, {{"GetSetting", {"jwks"}}, {"DeleteSetting", {"jwks"}}});
  std::vector<rpc::Dispatcher*> dispatchers = {dispatcher.get()};
  std::unique_ptr<rpc::Channel> channel = rpc::MakeLocalChannel(dispatchers, "jwks");
};

TEST_F(InheritedKeyTest, BecomesADynamicKeyWithItsTime) {
  settings.values["access_token_signing_key"] = std::string(crypto::core_vectors::kKeyPair);
  const KeysNow now = Keys("{}");
  EXPECT_EQ(now.dynamic_signing_key().key_id, "d-1699999999000");
  EXPECT_EQ(now.dynamic_signing_key().pair->ToStored(), crypto::core_vectors::kKeyPair);
  EXPECT_TRUE(settings.values.empty());
}

TEST_F(InheritedKeyTest, BecomesAStaticKeyWhereKeysAreStatic) {
  settings.values["access_token_signing_key"] = std::string(crypto::core_vectors::kKeyPair);
  const KeysNow now = Keys(R"({"access_token_signing_key_dynamic":false})");
  EXPECT_EQ(now.keys->static_keys.size(), 1u);
  EXPECT_EQ(now.static_signing_key().pair->ToStored(), crypto::core_vectors::kKeyPair);
}

TEST_F(InheritedKeyTest, WithoutOneNewKeysAreMade) {
  EXPECT_EQ(Keys("{}").dynamic_signing_key().key_id, "d-1700000000000");
}

}  // namespace
}  // namespace gatehouse::jwks
