// Which requests get past the checks before a handler, and what the others are told.

#include "gateway/pipeline/admission.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "libs/base/strings.h"

namespace gatehouse::gateway {
namespace {

class AdmissionTest : public ::testing::Test {
 protected:
  AdmissionTest() {
    Fill("{}");
    Add("/recipe/roles", /*needs_version=*/true);
    Add("/apiversion", /*needs_version=*/false);
    Add("/", /*needs_version=*/true);
  }

  void Fill(std::string_view base_config) {
    std::vector<tenants::v1::Tenant> records(1);
    *records[0].mutable_scope() = tenancy::MakeScope("", "public", "public");
    records[0].set_core_config_json("{}");
    ASSERT_TRUE(directory.Apply(true, base_config, records, {}).empty());
  }
  void Add(const char* path, bool needs_version) {
    Route route;
    route.method = HttpMethod::kGet;
    route.path = path;
    route.needs_version = needs_version;
    routes.Add(std::move(route));
  }
  // "OK <version>", or "<status> <text>", or "no route".
  std::string Ask(std::string_view path, std::string_view version) {
    const auto match = routes.Find(HttpMethod::kGet, path);
    if (!match) return "no route";
    http::Request request;
    request.headers.Add("cdi-version", version);
    Admission::Admitted admitted;
    Admission::Refusal refusal;
    if (!Admission(directory).Admit(request, *match, admitted, refusal)) {
      return StrCat(std::to_string(refusal.status), " ", refusal.text);
    }
    return StrCat("OK ", admitted.cdi.ToString());
  }

  tenancy::TenantDirectory directory{/*test_mode=*/true};
  RouteTable routes;
};

TEST_F(AdmissionTest, AVersionThatIsNotServedIsRefusedWhereOneIsNeeded) {
  EXPECT_EQ(Ask("/recipe/roles", "5.4"), "OK 5.4");
  for (const char* version : {"2.6", "3.5", "5", "05.04", "0.0"}) {
    EXPECT_EQ(Ask("/recipe/roles", version), StrCat("400 cdi-version ", version, " not supported"));
  }
  EXPECT_EQ(Ask("/apiversion", "2.6"), "OK 2.6");
  EXPECT_EQ(Ask("/apiversion", "05.04"), "OK 5.4");
  EXPECT_EQ(Ask("/apiversion", "3.5"), "OK 3.5");
}

TEST_F(AdmissionTest, ATooNewVersionIsRefusedEverywhere) {
  for (const char* path : {"/recipe/roles", "/apiversion"}) {
    for (const char* version : {"6", "5.99", "9.9", "5.4.1"}) {
      EXPECT_EQ(Ask(path, version), StrCat("400 cdi-version ", version, " not supported"));
    }
  }
}

TEST_F(AdmissionTest, WhatIsNoVersionIsRefusedEverywhere) {
  for (const char* version : {"", "x", "-1", "2.", ".4", "2..7", "5.4x", "5,4", "99999999999.1"}) {
    EXPECT_EQ(Ask("/apiversion", version), "400 cdi-version header is invalid") << version;
  }
}

TEST_F(AdmissionTest, TenantsAreUnknownToVersionsBelow3EvenUnservedOnes) {
  EXPECT_EQ(Ask("/t1/recipe/roles", "2.21"), "404 Not found");
  EXPECT_EQ(Ask("/t1/recipe/roles", "2.6"), "404 Not found");
  EXPECT_EQ(Ask("/t1/apiversion", "1.0"), "404 Not found");
  EXPECT_EQ(Ask("/public/apiversion", "1.0"), "OK 1.0");
}

TEST_F(AdmissionTest, AConfiguredMinimumHoldsWhereNoVersionIsNeededToo) {
  Fill(R"({"supertokens_min_cdi_version":"4.0"})");
  const std::string refused = " is lower than the minimum allowed version 4.0";
  EXPECT_EQ(Ask("/recipe/roles", "3.1"), StrCat("400 cdi-version 3.1", refused));
  EXPECT_EQ(Ask("/recipe/roles", "3.5"), StrCat("400 cdi-version 3.5", refused));
  EXPECT_EQ(Ask("/apiversion", "2.6"), StrCat("400 cdi-version 2.6", refused));
  EXPECT_EQ(Ask("/apiversion", "4.0"), "OK 4.0");
}

TEST_F(AdmissionTest, NamesInCapitalsAreNamesInFrontOfAnOperationOnly) {
  EXPECT_EQ(Ask("/Public/RECIPE/roles", "5.4"), "OK 5.4");
  EXPECT_EQ(Ask("/APPID-public/recipe/roles/", "5.4"), "OK 5.4");
  EXPECT_EQ(Ask("/public", "5.4"), "OK 5.4");
  for (const char* path : {"/Public", "/appid-PUBLIC", "/APPID-public/", "/appid-public/T1"}) {
    EXPECT_EQ(Ask(path, "5.4"), "no route") << path;
  }
}

}  // namespace
}  // namespace gatehouse::gateway
