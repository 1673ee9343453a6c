// Which requests pass the checks before a handler, and how the others are answered.

#include "gateway/pipeline/admission.h"

#include <gtest/gtest.h>

#include <future>
#include <string>
#include <string_view>
#include <vector>

#include "libs/base/status.h"
#include "libs/base/strings.h"

namespace gatehouse::gateway {
namespace {

constexpr std::string_view kKey = "a-very-long-api-key-0123456789";

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
  void AddTenant(std::string_view app_id, std::string_view tenant_id, std::string_view settings) {
    ASSERT_TRUE(directory.Apply(false, "", {Record(app_id, tenant_id, settings)}, {}).empty());
  }
  static tenants::v1::Tenant Record(std::string_view app_id, std::string_view tenant_id,
                                    std::string_view settings) {
    tenants::v1::Tenant record;
    *record.mutable_scope() = tenancy::MakeScope("", app_id, tenant_id);
    record.set_core_config_json(std::string(settings));
    return record;
  }
  void Add(const char* path, bool needs_version) {
    Route route;
    route.method = HttpMethod::kGet;
    route.path = path;
    route.options.needs_version = needs_version;
    routes.Add(std::move(route));
  }
  // "OK <version>", "<status> <text>", "unknown", "no route", or the reason of a failure.
  std::string Ask(std::string_view path, std::string_view version, std::string_view key = "",
                  const tenancy::Sight* looked_up = nullptr) {
    const auto match = routes.Find(HttpMethod::kGet, path);
    if (!match) return "no route";
    http::Headers headers;
    headers.Add("cdi-version", version);
    headers.Add("api-key", key);
    Admission::Refusal refusal;
    const auto verdict =
        admission.Admit({headers, "10.0.0.1"}, *match, admitted, refusal, looked_up);
    if (!verdict.ok()) return std::string(ErrorReasonName(ReasonOf(verdict.status())));
    switch (*verdict) {
      case Admission::Verdict::kAdmitted:
        return StrCat("OK ", admitted.cdi.ToString());
      case Admission::Verdict::kRefused:
        return StrCat(std::to_string(refusal.status), " ", refusal.text);
      case Admission::Verdict::kUnknown:
        return "unknown";
    }
    return "";
  }
  // Like the gateway: looks up what is unknown.
  std::string AskWithTime(std::string_view path, std::string_view key) {
    std::string verdict = Ask(path, "5.4", key);
    if (verdict != "unknown") return verdict;
    std::promise<absl::StatusOr<tenancy::Sight>> found;
    directory.LookUp(admitted.scope, absl::InfiniteFuture(),
                     [&](absl::StatusOr<tenancy::Sight> sight) { found.set_value(sight); });
    const absl::StatusOr<tenancy::Sight> sight = found.get_future().get();
    if (!sight.ok()) return std::string(ErrorReasonName(ReasonOf(sight.status())));
    return Ask(path, "5.4", key, &*sight);
  }
  bool Finds() { return directory.Find(admitted.scope).ok(); }

  tenancy::TenantDirectory directory{/*test_mode=*/true};
  Admission admission{directory, nullptr};
  Admission::Admitted admitted;  // of the last request
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
  AddTenant("public", "t1", "{}");
  EXPECT_EQ(Ask("/t1/recipe/roles", "2.21"), "404 Not found");
  EXPECT_EQ(Ask("/t1/recipe/roles", "2.6"), "404 Not found");
  EXPECT_EQ(Ask("/t1/apiversion", "1.0"), "404 Not found");
  EXPECT_EQ(Ask("/public/apiversion", "1.0"), "OK 1.0");
}

// Another process may have created it a moment ago, and the services may know it already.
TEST_F(AdmissionTest, WhatTheDirectoryDoesNotKnowIsAskedForBeforeItsKeysAreJudged) {
  int incarnation = 0;
  directory.SetFallback([&](const std::vector<common::v1::Scope>& names,
                            absl::Time) -> absl::StatusOr<std::vector<tenants::v1::Tenant>> {
    std::vector<tenants::v1::Tenant> records;
    for (const common::v1::Scope& name : names) {
      if (name.app_id() == "down") return MakeError(ErrorReason::kDependencyDown, "down");
      if (name.tenant_id() == "none" || name.app_id() == "none") continue;
      records.push_back(Record(name.app_id(), name.tenant_id(),
                               name.tenant_id() == "denied" ? R"({"ip_deny_regex":"10\\..*"})"
                               : name.app_id() == "java"
                                   ? R"({"ip_deny_regex":"(?!10).*"})"
                                   : StrCat(R"({"api_keys":")", kKey, R"("})")));
      records.back().set_incarnation(++incarnation);
    }
    return records;
  });
  EXPECT_EQ(Ask("/appid-new/recipe/roles", "5.4"), "unknown");
  EXPECT_EQ(Ask("/t1/recipe/roles", "5.4"), "unknown");
  EXPECT_EQ(AskWithTime("/appid-new/recipe/roles", ""), "401 Invalid API key");
  EXPECT_EQ(AskWithTime("/appid-new/none/recipe/roles", ""), "401 Invalid API key");
  EXPECT_EQ(AskWithTime("/appid-new/recipe/roles", kKey), "OK 5.4");
  EXPECT_EQ(AskWithTime("/denied/recipe/roles", kKey), "403 ");
  EXPECT_EQ(AskWithTime("/appid-java/recipe/roles", kKey), "DEPENDENCY_DOWN");
  EXPECT_EQ(AskWithTime("/appid-none/recipe/roles", ""), "OK 5.4") << "the handler says so";
  EXPECT_TRUE(admission.StillHolds(admitted.scope, admitted.sight)) << "nothing will be found by it";
  EXPECT_EQ(AskWithTime("/appid-down/recipe/roles", kKey), "DEPENDENCY_DOWN");
}

// What changes between the checks and the handler.
TEST_F(AdmissionTest, AHandlerFindsWhatTheChecksSawOrNothing) {
  const auto put = [&](std::string_view app, std::string_view tenant, int64_t incarnation,
                       std::string_view settings) {
    tenants::v1::Tenant record = Record(app, tenant, settings);
    record.set_incarnation(incarnation);
    ASSERT_TRUE(directory.Apply(false, "", {record}, {}).empty());
  };
  const std::string keyed = StrCat(R"({"api_keys":")", kKey, R"("})");
  EXPECT_EQ(Ask("/appid-a/recipe/roles", "5.4"), "OK 5.4");
  put("a", "public", 1, keyed);
  EXPECT_FALSE(Finds()) << "nobody was asked for its key";
  EXPECT_EQ(Ask("/appid-a/recipe/roles", "5.4"), "401 Invalid API key");

  EXPECT_EQ(Ask("/appid-a/recipe/roles", "5.4", kKey), "OK 5.4");
  EXPECT_TRUE(Finds());
  EXPECT_TRUE(admission.StillHolds(admitted.scope, admitted.sight));
  directory.Apply(false, "", {}, {tenancy::MakeScope("", "a", "public")});
  put("a", "public", 2, "{}");
  EXPECT_FALSE(Finds()) << "it is another app";
  EXPECT_FALSE(admission.StillHolds(admitted.scope, admitted.sight));

  EXPECT_EQ(Ask("/appid-a/t1/recipe/roles", "5.4", ""), "OK 5.4");
  put("a", "t1", 3, R"({"ip_deny_regex":"10\\..*"})");
  EXPECT_FALSE(Finds()) << "nobody has looked at its addresses";
  EXPECT_EQ(Ask("/appid-a/t1/recipe/roles", "5.4", ""), "403 ");

  EXPECT_EQ(Ask("/appid-a/recipe/roles", "5.4", ""), "OK 5.4");
  put("a", "public", 2, keyed);
  EXPECT_TRUE(Finds()) << "the same app";
  EXPECT_FALSE(admission.StillHolds(admitted.scope, admitted.sight)) << "but to be judged again";
}

TEST_F(AdmissionTest, ADomainThatComesOrGoesMeanwhileIsNotFound) {
  const auto ask = [&] {
    const auto match = routes.Find(HttpMethod::kGet, "/recipe/roles");
    http::Headers headers;
    headers.Add("Host", "x.example:3567");
    Admission::Refusal refusal;
    const auto verdict = admission.Admit({headers, ""}, *match, admitted, refusal);
    return verdict.ok() && *verdict == Admission::Verdict::kAdmitted;
  };
  tenants::v1::Tenant domain = Record("public", "public", "{}");
  domain.mutable_scope()->set_connection_uri_domain("x.example");
  domain.set_incarnation(1);
  ASSERT_TRUE(ask());
  EXPECT_EQ(admitted.scope.connection_uri_domain(), "") << "judged by the default domain";
  ASSERT_TRUE(directory.Apply(false, "", {domain}, {}).empty());
  EXPECT_EQ((*directory.Find(admitted.scope))->connection_uri_domain, "") << "and found there";
  ASSERT_TRUE(ask());
  EXPECT_EQ(admitted.scope.connection_uri_domain(), "x.example");
  directory.Apply(false, "", {}, {domain.scope()});
  EXPECT_FALSE(Finds());
  domain.set_incarnation(2);
  ASSERT_TRUE(directory.Apply(false, "", {domain}, {}).empty());
  EXPECT_FALSE(Finds());
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

TEST_F(AdmissionTest, AnAuthorizationOfAClientIsNoApiKey) {
  Fill(StrCat(R"({"api_keys":")", kKey, R"("})"));
  Route token;
  token.method = HttpMethod::kPost;
  token.path = "/recipe/oauth/token";
  token.options.authorization_is_api_key = false;
  routes.Add(std::move(token));
  const auto status = [&](HttpMethod method, std::string_view path,
                          const std::string& authorization, std::string_view api_key = "") {
    http::Headers headers;
    headers.Add("Authorization", authorization);
    if (!api_key.empty()) headers.Add("api-key", api_key);
    Admission::Refusal refusal;
    const auto verdict =
        admission.Admit({headers, "10.0.0.1"}, *routes.Find(method, path), admitted, refusal);
    return *verdict == Admission::Verdict::kAdmitted ? 200 : refusal.status;
  };
  const std::string key(kKey);
  EXPECT_EQ(status(HttpMethod::kGet, "/recipe/roles", key), 200);
  EXPECT_EQ(status(HttpMethod::kGet, "/recipe/roles", "BEARER " + key), 200);
  EXPECT_EQ(status(HttpMethod::kGet, "/recipe/roles", "Basic " + key), 401);
  EXPECT_EQ(status(HttpMethod::kGet, "/recipe/roles", "Basic YTpi", key), 200);
  EXPECT_EQ(status(HttpMethod::kPost, "/recipe/oauth/token", "Bearer " + key), 401);
  EXPECT_EQ(status(HttpMethod::kPost, "/recipe/oauth/token", "Bearer token", key), 200);
}

TEST_F(AdmissionTest, AnAddressThatNobodyKnowsPassesNoRule) {
  const auto status = [&](std::string_view address) {
    http::Headers headers;
    Admission::Refusal refusal;
    const auto verdict = admission.Admit(
        {headers, address}, *routes.Find(HttpMethod::kGet, "/recipe/roles"), admitted, refusal);
    return *verdict == Admission::Verdict::kAdmitted ? 200 : refusal.status;
  };
  EXPECT_EQ(status(""), 200);
  Fill(R"({"ip_deny_regex":"192\\.0\\.2\\..*"})");
  EXPECT_EQ(status("10.0.0.1"), 200);
  EXPECT_EQ(status("192.0.2.1"), 403);
  EXPECT_EQ(status(""), 403);
}

TEST_F(AdmissionTest, KeysOfThisProcessCountWhereTheTenantsServiceHasNone) {
  Fill(R"({"api_keys":"the-gateways-own-key-0123456789"})");
  admission.Reload(directory.base_config());
  EXPECT_EQ(Ask("/recipe/roles", "5.4", "the-gateways-own-key-0123456789"), "OK 5.4");
  Fill("{}");
  EXPECT_EQ(Ask("/recipe/roles", "5.4"), "401 Invalid API key");
  EXPECT_EQ(Ask("/recipe/roles", "5.4", kKey), "401 Invalid API key");
  EXPECT_EQ(Ask("/recipe/roles", "5.4", "the-gateways-own-key-0123456789"), "OK 5.4");

  Fill(StrCat(R"({"api_keys":")", kKey, R"("})"));
  EXPECT_EQ(Ask("/recipe/roles", "5.4", "the-gateways-own-key-0123456789"), "401 Invalid API key");
  EXPECT_EQ(Ask("/recipe/roles", "5.4", kKey), "OK 5.4");

  Fill("{}");
  admission.Reload(directory.base_config());
  EXPECT_EQ(Ask("/recipe/roles", "5.4"), "OK 5.4");
}

TEST_F(AdmissionTest, AddressRulesOfThisProcessCountWhereTheTenantsServiceHasNone) {
  Fill(R"({"ip_deny_regex":"10\\.0\\.0\\..*"})");
  admission.Reload(directory.base_config());
  Fill("{}");
  EXPECT_EQ(Ask("/recipe/roles", "5.4"), "403 ");
  Fill(R"({"ip_deny_regex":"192\\.0\\.2\\..*"})");
  EXPECT_EQ(Ask("/recipe/roles", "5.4"), "OK 5.4");
}

}  // namespace
}  // namespace gatehouse::gateway
