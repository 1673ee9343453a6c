// What the routes read, in which order they complain, and what they answer; the service is a fake.

#include "gateway/routes/totp_routes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "gatehouse/totp/v1/totp_service.rpc.h"
#include "gateway/routes/route_test_util.h"
#include "libs/tenancy/tenant_directory.h"
#include "libs/testing/fake_channel.h"

namespace gatehouse::gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::StartsWith;

constexpr HttpMethod kPost = HttpMethod::kPost;
constexpr char kDevice[] = "/recipe/totp/device";

class TotpRoutesTest : public ::testing::Test {
 protected:
  TotpRoutesTest() {
    tenants::v1::Tenant tenant;
    *tenant.mutable_scope() = tenancy::MakeScope("", "public", "public");
    tenant.set_core_config_json("{}");
    EXPECT_TRUE(tenants.Apply(true, "{}", {tenant}, {}).empty());
    AddTotpRoutes(routes, totp, tenants);
  }

  std::string Send(HttpMethod method, const std::string& path, const std::string& body,
                   std::vector<std::pair<std::string, std::string>> query = {}) {
    return gateway::Send(
        routes, cdi,
        {.method = method, .path = path, .body = body, .query = std::move(query), .rid = ""});
  }

  testing::FakeChannel totp;
  tenancy::TenantDirectory tenants{/*test_mode=*/true};
  RouteTable routes;
  CdiVersion cdi = cdi::k5_4;
};

TEST_F(TotpRoutesTest, TypesThenContentsThenTheTenant) {
  const auto import = [&](const std::string& body) {
    return Send(kPost, "/t1/recipe/totp/device/import", body);
  };
  const auto invalid = [](const std::string& field) {
    return "BAD_INPUT: Field name '" + field + "' is invalid in JSON input";
  };
  EXPECT_EQ(import(R"({"deviceName":1})"), invalid("userId"));
  EXPECT_EQ(import(R"({"userId":"","deviceName":null})"), invalid("deviceName"));
  EXPECT_EQ(import(R"({"userId":"","deviceName":""})"), invalid("skew"));
  EXPECT_EQ(import(R"({"userId":"","deviceName":"","skew":-1})"), invalid("period"));
  EXPECT_EQ(import(R"({"userId":"","deviceName":"","skew":-1,"period":0})"), invalid("secretKey"));
  EXPECT_EQ(import(R"({"userId":"","deviceName":"","skew":-1,"period":0,"secretKey":""})"),
            "BAD_INPUT: userId cannot be empty");
  EXPECT_EQ(import(R"({"userId":"u","deviceName":"","skew":-1,"period":0,"secretKey":""})"),
            "BAD_INPUT: deviceName cannot be empty");
  EXPECT_EQ(import(R"({"userId":"u","skew":-1,"period":0,"secretKey":""})"),
            "BAD_INPUT: secretKey cannot be empty");
  EXPECT_EQ(import(R"({"userId":"u","skew":-1,"period":0,"secretKey":"A"})"),
            "BAD_INPUT: skew must be >= 0");
  EXPECT_EQ(import(R"({"userId":"u","skew":0,"period":0,"secretKey":"A"})"),
            "BAD_INPUT: period must be > 0");
  EXPECT_EQ(import(R"({"userId":"u","skew":0,"period":1,"secretKey":"A"})"),
            "FORBIDDEN: Only public tenantId can call this app specific API");
  EXPECT_EQ(totp.calls(), 0);
}

TEST_F(TotpRoutesTest, AnUnknownAppIsToldBeforeATenantThatMayNot) {
  const std::string body =
      R"({"userId":"u","deviceName":"d","skew":0,"period":1,"secretKey":"A","userIds":["u"],)"
      R"("existingDeviceName":"d","newDeviceName":"e"})";
  const std::pair<HttpMethod, std::string> operations[] = {
      {kPost, ""},        {HttpMethod::kPut, ""}, {kPost, "/import"}, {HttpMethod::kGet, "/list"},
      {kPost, "/remove"}, {kPost, "/status/bulk"}};
  for (const auto& [method, path] : operations) {
    EXPECT_THAT(Send(method, StrCat("/appid-nosuch/t1", kDevice, path), body, {{"userId", "u"}}),
                StartsWith("TENANT_NOT_FOUND: AppId or tenantId not found => Tenant with"))
        << path;
  }
  EXPECT_EQ(totp.calls(), 0);
}

TEST_F(TotpRoutesTest, CodesAreCheckedInTheTenant) {
  Send(kPost, "/t1/recipe/totp/verify", R"({"userId":"u","totp":" 1 "})");
  const auto code = totp.last_request<totp::v1::VerifyCodeRequest>();
  EXPECT_EQ(code.scope().tenant_id(), "t1");
  EXPECT_EQ(code.code(), " 1 ");
  Send(kPost, "/t1/recipe/totp/device/verify", R"({"userId":"u","deviceName":"d","totp":"1"})");
  EXPECT_EQ(totp.last_request<totp::v1::VerifyDeviceRequest>().scope().tenant_id(), "t1");
}

TEST_F(TotpRoutesTest, AttemptsAreCountedForClientsThatKnowThem) {
  totp::v1::VerifyCodeResponse wrong;
  wrong.mutable_refused()->set_failed_attempts(2);
  wrong.mutable_refused()->set_max_attempts(5);
  totp.Answer(wrong);
  const std::string path = "/recipe/totp/verify", body = R"({"userId":"u","totp":"1"})";
  EXPECT_EQ(Send(kPost, path, body),
            R"({"status":"INVALID_TOTP_ERROR","currentNumberOfFailedAttempts":2,)"
            R"("maxNumberOfFailedAttempts":5})");
  cdi = cdi::k4_0;
  EXPECT_EQ(Send(kPost, path, body), R"({"status":"INVALID_TOTP_ERROR"})");
  wrong.mutable_refused()->set_retry_after_ms(7);
  totp.Answer(wrong);
  EXPECT_EQ(Send(kPost, path, body), R"({"status":"LIMIT_REACHED_ERROR","retryAfterMs":7})");
  cdi = cdi::k5_0;
  EXPECT_EQ(Send(kPost, path, body),
            R"({"status":"LIMIT_REACHED_ERROR","retryAfterMs":7,)"
            R"("currentNumberOfFailedAttempts":2,"maxNumberOfFailedAttempts":5})");
}

TEST_F(TotpRoutesTest, StatusOfUsers) {
  const std::string path = "/recipe/totp/device/status/bulk";
  EXPECT_EQ(Send(kPost, "/t1" + path, R"({"userIds":[]})"), R"({"status":"OK","users":[]})");
  EXPECT_EQ(Send(kPost, path, R"({"userIds":[["a"]]})"),
            "BAD_INPUT: userIds array must contain only strings");
  EXPECT_EQ(totp.calls(), 0);
  totp::v1::ListDeviceStatusResponse response;
  response.add_users()->set_user_id("a");
  response.add_users()->set_user_id("b");
  response.mutable_users(1)->set_has_device(true);
  totp.Answer(response);
  EXPECT_EQ(Send(kPost, path, R"({"userIds":["a","b"]})"),
            R"({"status":"OK","users":[{"userId":"a","hasVerifiedDevice":null},)"
            R"({"userId":"b","hasVerifiedDevice":false}]})");
  EXPECT_THAT(totp.last_request<totp::v1::ListDeviceStatusRequest>().user_ids(),
              ElementsAre("a", "b"));
}

}  // namespace
}  // namespace gatehouse::gateway
