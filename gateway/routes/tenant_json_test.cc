#include "gateway/routes/tenant_json.h"

#include <gtest/gtest.h>

#include "gateway/routes/tenant_names.h"
#include "libs/base/status.h"

namespace gatehouse::gateway {
namespace {

tenants::v1::TenantWithProviders Tenant(std::initializer_list<const char*> first_factors) {
  tenants::v1::TenantWithProviders tenant;
  auto& record = *tenant.mutable_tenant();
  record.mutable_scope()->set_tenant_id("t");
  record.set_core_config_json(R"({"a":1.0})");
  record.set_email_password_enabled(true);
  record.set_third_party_enabled(true);
  record.set_passwordless_enabled(true);
  for (const char* id : first_factors) record.mutable_first_factors()->add_factor_ids(id);
  return tenant;
}

std::string Shown(const tenants::v1::TenantWithProviders& tenant, TenantShape shape) {
  return json::Serialize(TenantToJson(tenant, shape));
}

TEST(TenantJsonTest, EachGenerationHasItsShape) {
  const auto tenant = Tenant({"emailpassword"});
  EXPECT_EQ(Shown(tenant, TenantShape::kRecipes),
            R"({"tenantId":"t","emailPassword":{"enabled":true},)"
            R"("thirdParty":{"enabled":false,"providers":[]},"passwordless":{"enabled":false},)"
            R"("coreConfig":{"a":1.0}})");
  EXPECT_EQ(Shown(tenant, TenantShape::kRecipesAndFactors),
            R"({"tenantId":"t","emailPassword":{"enabled":true},)"
            R"("thirdParty":{"enabled":true,"providers":[]},"passwordless":{"enabled":true},)"
            R"("firstFactors":["emailpassword"],"coreConfig":{"a":1.0}})");
  EXPECT_EQ(Shown(tenant, TenantShape::kFactors),
            R"({"tenantId":"t","thirdParty":{"providers":[]},"firstFactors":["emailpassword"],)"
            R"("coreConfig":{"a":1.0}})");
}

// A Java hash table's order for lists that the original keeps in one; required factors in the given
// order.
TEST(TenantJsonTest, ListsHaveTheOriginalsOrder) {
  auto tenant = Tenant({"thirdparty", "webauthn", "custom"});
  for (const char* id : {"thirdparty", "webauthn", "custom"}) {
    tenant.mutable_tenant()->mutable_required_secondary_factors()->add_factor_ids(id);
  }
  for (const char* id : {"google", "github", "okta"}) {
    auto& provider = *tenant.add_third_party_providers();
    provider.set_third_party_id(id);
    for (const char* type : {"web", "", "android"}) {
      auto& client = *provider.add_clients();
      if (*type != '\0') client.set_client_type(type);
    }
  }
  const json::Value shown = TenantToJson(tenant, TenantShape::kFactors);
  EXPECT_EQ(json::Serialize(*shown.Find("firstFactors")), R"(["custom","webauthn","thirdparty"])");
  EXPECT_EQ(json::Serialize(*shown.Find("requiredSecondaryFactors")),
            R"(["thirdparty","webauthn","custom"])");
  std::string ids;
  for (const json::Value& provider : shown.Find("thirdParty")->Find("providers")->elements()) {
    ids += std::string(*provider.Find("thirdPartyId")->AsString()) + " ";
    EXPECT_EQ(json::Serialize(*provider.Find("clients")),
              R"([{},{"clientType":"web"},{"clientType":"android"}])");
  }
  EXPECT_EQ(ids, "github google okta ");
}

TEST(TenantJsonTest, NoFactorsAndNullAreToldApart) {
  auto none = Tenant({});
  none.mutable_tenant()->mutable_first_factors();
  EXPECT_NE(TenantToJson(none, TenantShape::kFactors).Find("firstFactors"), nullptr);
  EXPECT_EQ(TenantToJson(none, TenantShape::kRecipesAndFactors).Find("firstFactors"), nullptr);
  EXPECT_EQ(TenantToJson(Tenant({}), TenantShape::kFactors).Find("firstFactors"), nullptr);
}

TEST(TenantJsonTest, ARecipeThatIsOffIsAMissingFactorInV2) {
  auto tenant = Tenant({});
  tenant.mutable_tenant()->set_third_party_enabled(false);
  const json::Value shown = TenantToJson(tenant, TenantShape::kFactors);
  EXPECT_EQ(json::Serialize(*shown.Find("firstFactors")),
            R"(["emailpassword","otp-email","otp-phone","link-email","link-phone"])");
}

TEST(TenantJsonTest, FactorsComeInTheOriginalsOrder) {
  const auto tenant =
      Tenant({"otp-phone", "thirdparty", "link-email", "link-phone", "emailpassword", "otp-email"});
  EXPECT_EQ(json::Serialize(*TenantToJson(tenant, TenantShape::kFactors).Find("firstFactors")),
            R"(["otp-email","emailpassword","link-phone","link-email","thirdparty","otp-phone"])");
}

TEST(ProviderJsonTest, KeepsMapsAndLeavesOutWhatIsNotSet) {
  const auto config = json::Parse(
      R"({"thirdPartyId":"google","clients":[{"clientId":"c","scope":["a"],"forcePKCE":"TRUE",)"
      R"("additionalConfig":{"n":null,"x":1.50}}],"tokenEndpoint":null,"name":1,)"
      R"("userInfoEndpointHeaders":{"h":null},"requireEmail":false,)"
      R"("userInfoMap":{"fromUserInfoAPI":{"userId":"id","email":null}}})");
  const auto provider = ProviderFromJson(*config);
  ASSERT_TRUE(provider.ok()) << provider.status();
  EXPECT_EQ(json::Serialize(ProviderToJson(*provider)),
            R"({"thirdPartyId":"google","name":"1","clients":[{"clientId":"c","scope":["a"],)"
            R"("forcePKCE":true,"additionalConfig":{"n":null,"x":1.50}}],)"
            R"("userInfoEndpointHeaders":{"h":null},"requireEmail":false,)"
            R"("userInfoMap":{"fromIdTokenPayload":{},"fromUserInfoAPI":{"userId":"id"}}})");
}

TEST(ProviderJsonTest, WrongTypesAreRefused) {
  for (const char* text :
       {R"({"clients":"x"})", R"({"clients":[1]})", R"({"clients":[{"scope":"x"}]})",
        R"({"clients":[{"scope":[null]}]})", R"({"clients":[{"additionalConfig":[]}]})",
        R"({"clients":[{"additionalConfig":null}]})", R"({"userInfoEndpointHeaders":null})",
        R"({"requireEmail":1})", R"({"userInfoMap":[]})", R"({"name":{}})",
        R"({"userInfoMap":{"fromIdTokenPayload":"x"}})"}) {
    const auto provider = ProviderFromJson(*json::Parse(text));
    EXPECT_EQ(ReasonOf(provider.status()), ErrorReason::kBadInput) << text;
  }
}

TEST(TenantNamesTest, AreNormalisedOrRefused) {
  EXPECT_EQ(*NormaliseTenantId(" T1 "), "t1");
  EXPECT_EQ(NormaliseTenantId("recipe").status().message(), "Cannot use 'recipe' as a tenantId");
  EXPECT_EQ(NormaliseTenantId(" ").status().message(), "tenantId should not be an empty String");
  EXPECT_EQ(NormaliseTenantId("a_b").status().message(),
            "tenantId can only contain letters, numbers and hyphens");
  EXPECT_EQ(NormaliseAppId("appid-x").status().message(), "appId must not start with 'appid-'");
  EXPECT_EQ(*NormaliseAppId("A-1"), "a-1");
  EXPECT_EQ(*NormaliseConnectionUriDomain("API.Example.com:80"), "api.example.com");
  EXPECT_EQ(*NormaliseConnectionUriDomain("127.0.0.1"), "127.0.0.1");
  for (const char* bad : {"a..b", ".a", "a.", "a:", "a:x", "a/b", "http://a", "a b", "a:1:2"}) {
    EXPECT_EQ(NormaliseConnectionUriDomain(bad).status().message(),
              "connectionUriDomain is invalid")
        << bad;
  }
}

}  // namespace
}  // namespace gatehouse::gateway
