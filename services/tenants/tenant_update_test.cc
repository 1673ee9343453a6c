#include "services/tenants/tenant_update.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/base/status.h"
#include "libs/tenancy/tenant_directory.h"

namespace gatehouse::tenants {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

using tenancy::MakeScope;

constexpr v1::UpsertStyle kV1 = v1::UPSERT_STYLE_RECIPES;
constexpr v1::UpsertStyle kV1Since5 = v1::UPSERT_STYLE_RECIPES_AND_FACTORS;
constexpr v1::UpsertStyle kV2 = v1::UPSERT_STYLE_FACTORS;

v1::UpsertTenantRequest Request(v1::UpsertStyle style) {
  v1::UpsertTenantRequest request;
  request.set_style(style);
  return request;
}

v1::Tenant New(v1::UpsertStyle style, std::string_view tenant_id = "t1") {
  return NewTenant(MakeScope("", "public", tenant_id), style);
}

std::vector<std::string> First(const v1::Tenant& tenant) {
  const auto& ids = tenant.first_factors().factor_ids();
  return {ids.begin(), ids.end()};
}

TEST(NewTenantTest, PublicTenantsHaveEveryRecipeInEveryStyle) {
  for (const auto style : {kV1, kV1Since5, kV2}) {
    const v1::Tenant tenant = New(style, "public");
    EXPECT_TRUE(tenant.email_password_enabled());
    EXPECT_TRUE(tenant.passwordless_enabled());
    EXPECT_FALSE(tenant.has_first_factors());
  }
}

TEST(NewTenantTest, OthersAllowNothingYet) {
  EXPECT_FALSE(New(kV1).third_party_enabled());
  EXPECT_TRUE(New(kV1).has_first_factors());
  EXPECT_FALSE(New(kV1Since5).third_party_enabled());
  EXPECT_FALSE(New(kV1Since5).has_first_factors());
  EXPECT_TRUE(New(kV2).third_party_enabled());
  EXPECT_TRUE(New(kV2).has_first_factors());
}

TEST(ApplyUpdateTest, RecipesStyleAddsAndRemovesFactors) {
  auto request = Request(kV1);
  request.set_email_password_enabled(true);
  request.set_passwordless_enabled(true);
  auto tenant = ApplyUpdate(New(kV1), request);
  ASSERT_TRUE(tenant.ok());
  EXPECT_THAT(First(*tenant), UnorderedElementsAre("emailpassword", "otp-phone", "otp-email",
                                                   "link-phone", "link-email"));

  auto off = Request(kV1);
  off.set_passwordless_enabled(false);
  tenant = ApplyUpdate(*tenant, off);
  EXPECT_THAT(First(*tenant), ElementsAre("emailpassword"));
  EXPECT_TRUE(tenant->passwordless_enabled()) << "the flag is only ever switched on";
}

TEST(ApplyUpdateTest, RecipesStyleWritesDownWhatNullMeantWhenSomethingGoesOff) {
  auto request = Request(kV1);
  request.set_third_party_enabled(false);
  const auto tenant = ApplyUpdate(New(kV1, "public"), request);
  EXPECT_THAT(First(*tenant), UnorderedElementsAre("emailpassword", "otp-phone", "otp-email",
                                                   "link-phone", "link-email"));
}

TEST(ApplyUpdateTest, FactorsEnableTheirRecipesSince5_0) {
  auto request = Request(kV1Since5);
  request.set_set_first_factors(true);
  request.mutable_first_factors()->add_factor_ids("otp-email");
  const auto tenant = ApplyUpdate(New(kV1Since5), request);
  ASSERT_TRUE(tenant.ok());
  EXPECT_TRUE(tenant->passwordless_enabled());
  EXPECT_FALSE(tenant->email_password_enabled());
  EXPECT_THAT(First(*tenant), ElementsAre("otp-email"));
}

TEST(ApplyUpdateTest, ASecondFactorThatBringsItsRecipeDoesNotBecomeAFirstOne) {
  auto request = Request(kV1Since5);
  request.set_email_password_enabled(true);
  request.set_set_required_secondary_factors(true);
  request.mutable_required_secondary_factors()->add_factor_ids("otp-phone");
  const auto tenant = ApplyUpdate(New(kV1Since5), request);
  ASSERT_TRUE(tenant.ok());
  EXPECT_TRUE(tenant->passwordless_enabled());
  EXPECT_THAT(First(*tenant), ElementsAre("emailpassword"));
}

TEST(ApplyUpdateTest, SwitchingARecipeOffTakesItsFactorsAway) {
  v1::Tenant tenant = New(kV2);
  for (const char* id : {"emailpassword", "thirdparty", "custom"}) {
    tenant.mutable_first_factors()->add_factor_ids(id);
  }
  tenant.mutable_required_secondary_factors()->add_factor_ids("emailpassword");
  auto request = Request(kV1Since5);
  request.set_email_password_enabled(false);
  const auto updated = ApplyUpdate(tenant, request);
  ASSERT_TRUE(updated.ok());
  EXPECT_THAT(First(*updated), ElementsAre("thirdparty", "custom"));
  EXPECT_FALSE(updated->has_required_secondary_factors());
  EXPECT_FALSE(updated->email_password_enabled());
}

TEST(ApplyUpdateTest, ContradictionsAreRefused) {
  auto request = Request(kV1Since5);
  request.set_passwordless_enabled(false);
  request.set_set_first_factors(true);
  request.mutable_first_factors()->add_factor_ids("link-email");
  const auto tenant = ApplyUpdate(New(kV1Since5), request);
  EXPECT_EQ(ReasonOf(tenant.status()), ErrorReason::kBadInput);
  EXPECT_EQ(tenant.status().message(),
            "Invalid core config: firstFactors should not contain 'link-email' because "
            "passwordless is disabled for the tenant.");
}

TEST(ApplyUpdateTest, FactorsStyleSwitchesEveryRecipeOn) {
  v1::Tenant tenant = New(kV1Since5);
  tenant.set_email_password_enabled(true);
  auto request = Request(kV2);
  request.set_set_required_secondary_factors(true);
  request.mutable_required_secondary_factors()->add_factor_ids("totp");
  const auto updated = ApplyUpdate(tenant, request);
  ASSERT_TRUE(updated.ok());
  EXPECT_TRUE(updated->third_party_enabled());
  EXPECT_THAT(First(*updated), ElementsAre("emailpassword")) << "what was allowed stays so";
}

TEST(ApplyUpdateTest, FactorNamesAreChecked) {
  for (const char* bad : {"", "bad factor", "f\xC3\xBC", "a,b"}) {
    auto request = Request(kV2);
    request.set_set_first_factors(true);
    request.mutable_first_factors()->add_factor_ids(bad);
    EXPECT_EQ(ApplyUpdate(New(kV2), request).status().message(),
              "firstFactors should contain only 0-9,a-z,A-Z,_,.,- characters");
  }
}

TEST(ApplyUpdateTest, CoreConfigIsMergedAndNullRemoves) {
  v1::Tenant tenant = New(kV2);
  tenant.set_core_config_json(R"({"a":1,"b":2})");
  auto request = Request(kV2);
  request.set_core_config_json(R"({"b":null,"c":3})");
  EXPECT_EQ(ApplyUpdate(tenant, request)->core_config_json(), R"({"a":1,"c":3})");
}

TEST(CheckNameLengthsTest, NamesAreNoLongerThanTheirColumns) {
  EXPECT_TRUE(CheckNameLengths(MakeScope("", std::string(64, 'a'), "")).ok());
  for (const auto& target :
       {MakeScope("", std::string(65, 'a'), ""), MakeScope("", "", std::string(65, 't')),
        MakeScope(std::string(257, 'x'), "", "")}) {
    EXPECT_EQ(ReasonOf(CheckNameLengths(target)), ErrorReason::kBadInput);
  }
}

}  // namespace
}  // namespace gatehouse::tenants
