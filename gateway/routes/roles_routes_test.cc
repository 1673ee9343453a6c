// What the routes read, in which order they report errors, and what they answer; the service is a
// fake.

#include "gateway/routes/roles_routes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "gatehouse/roles/v1/roles_service.rpc.h"
#include "gateway/routes/route_test_util.h"
#include "libs/tenancy/tenant_directory.h"
#include "libs/testing/fake_channel.h"

namespace gatehouse::gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::StartsWith;

class RolesRoutesTest : public ::testing::Test {
 protected:
  RolesRoutesTest() {
    tenants::v1::Tenant tenant;
    *tenant.mutable_scope() = tenancy::MakeScope("", "public", "public");
    tenant.set_core_config_json("{}");
    EXPECT_TRUE(tenants.Apply(true, "{}", {tenant}, {}).empty());
    AddRolesRoutes(routes, roles, tenants);
  }

  std::string Send(HttpMethod method, const std::string& path, const std::string& body,
                   std::vector<std::pair<std::string, std::string>> query = {}) {
    return gateway::Send(
        routes, cdi,
        {.method = method, .path = path, .body = body, .query = std::move(query), .rid = ""});
  }

  testing::FakeChannel roles;
  tenancy::TenantDirectory tenants{/*test_mode=*/true};
  RouteTable routes;
  CdiVersion cdi = cdi::k5_4;
};

TEST_F(RolesRoutesTest, NamesAreTrimmedAndUserIdsAreNot) {
  roles::v1::AssignRoleResponse response;
  response.set_role_found(true);
  roles.Answer(response);
  EXPECT_EQ(Send(HttpMethod::kPut, "/t1/recipe/user/role", R"({"userId":" u ","role":" r "})"),
            R"({"status":"OK","didUserAlreadyHaveRole":false})");
  const auto request = roles.last_request<roles::v1::AssignRoleRequest>();
  EXPECT_EQ(request.user_id(), " u ");
  EXPECT_EQ(request.role(), "r");
  EXPECT_EQ(request.scope().tenant_id(), "t1");
}

TEST_F(RolesRoutesTest, InputIsCheckedInOrderBeforeTheTenantAndTheCall) {
  const auto put = [&](const std::string& body) {
    return Send(HttpMethod::kPut, "/t1/recipe/role", body);
  };
  EXPECT_EQ(put("[]"), "BAD_INPUT: Invalid Json Input");
  EXPECT_EQ(put(R"({"permissions":1})"), "BAD_INPUT: Field name 'role' is invalid in JSON input");
  EXPECT_EQ(put(R"({"role":"  ","permissions":1})"),
            "BAD_INPUT: Field name 'role' cannot be an empty String");
  EXPECT_EQ(put(R"({"role":"r","permissions":null})"),
            "BAD_INPUT: Field name 'permissions' is invalid in JSON input");
  EXPECT_EQ(put(R"({"role":"r","permissions":["a"," ",1]})"),
            "BAD_INPUT: Field name 'permissions' cannot contain an empty string");
  EXPECT_EQ(put(R"({"role":"r","permissions":[1," "]})"),
            "BAD_INPUT: Field name 'permissions' is invalid in JSON input");
  EXPECT_EQ(put(R"({"role":"r"})"),
            "FORBIDDEN: Only public tenantId can call this app specific API");
  EXPECT_EQ(Send(HttpMethod::kGet, "/recipe/role/users", ""),
            "BAD_INPUT: Field name 'role' is missing in GET request");
  EXPECT_EQ(Send(HttpMethod::kGet, "/recipe/permission/roles", "", {{"permission", " "}}),
            "BAD_INPUT: Field name 'permission' cannot be an empty String");
  EXPECT_EQ(roles.calls(), 0);
}

TEST_F(RolesRoutesTest, AnUnknownAppIsToldBeforeATenantThatMayNot) {
  const std::string body = R"({"role":"r"})";
  const std::pair<HttpMethod, const char*> operations[] = {
      {HttpMethod::kPut, "/recipe/role"},
      {HttpMethod::kPost, "/recipe/role/remove"},
      {HttpMethod::kGet, "/recipe/roles"},
      {HttpMethod::kGet, "/recipe/role/permissions"},
      {HttpMethod::kPost, "/recipe/role/permissions/remove"},
      {HttpMethod::kGet, "/recipe/permission/roles"}};
  for (const auto& [method, path] : operations) {
    EXPECT_THAT(
        Send(method, StrCat("/appid-nosuch/t1", path), body, {{"role", "r"}, {"permission", "p"}}),
        StartsWith("TENANT_NOT_FOUND: AppId or tenantId not found => Tenant with"))
        << path;
  }
  EXPECT_EQ(roles.calls(), 0);
}

TEST_F(RolesRoutesTest, OldVersionsTakeTheAppForTheTenant) {
  cdi = cdi::k4_0;
  EXPECT_EQ(Send(HttpMethod::kGet, "/t1/recipe/roles", ""), R"({"roles":[],"status":"OK"})");
  EXPECT_EQ(roles.last_request<roles::v1::ListRolesRequest>().scope().tenant_id(), "public");
}

TEST_F(RolesRoutesTest, AbsentPermissionsMeanAllAndAnEmptyListNone) {
  roles::v1::RemoveRolePermissionsResponse response;
  response.set_role_found(true);
  roles.Answer(response);
  const std::string path = "/recipe/role/permissions/remove";
  EXPECT_EQ(Send(HttpMethod::kPost, path, R"({"role":"r"})"), R"({"status":"OK"})");
  EXPECT_TRUE(roles.last_request<roles::v1::RemoveRolePermissionsRequest>().all());
  Send(HttpMethod::kPost, path, R"({"role":"r","permissions":[]})");
  EXPECT_FALSE(roles.last_request<roles::v1::RemoveRolePermissionsRequest>().all());
  Send(HttpMethod::kPost, path, R"({"role":"r","permissions":[" a ","b"]})");
  EXPECT_THAT(roles.last_request<roles::v1::RemoveRolePermissionsRequest>().permissions(),
              ElementsAre("a", "b"));
}

TEST_F(RolesRoutesTest, UnknownRoleIsAStatus) {
  const std::string unknown = R"({"status":"UNKNOWN_ROLE_ERROR"})";
  const std::string body = R"({"userId":"u","role":"r"})";
  EXPECT_EQ(Send(HttpMethod::kPut, "/recipe/user/role", body), unknown);
  EXPECT_EQ(Send(HttpMethod::kPost, "/recipe/user/role/remove", body), unknown);
  EXPECT_EQ(Send(HttpMethod::kPost, "/recipe/role/permissions/remove", body), unknown);
  EXPECT_EQ(Send(HttpMethod::kGet, "/recipe/role/users", "", {{"role", "r"}}), unknown);
  EXPECT_EQ(Send(HttpMethod::kGet, "/recipe/role/permissions", "", {{"role", "r"}}), unknown);
}

TEST_F(RolesRoutesTest, ListsKeepTheServicesOrder) {
  roles::v1::ListRoleUsersResponse response;
  response.set_role_found(true);
  response.add_user_ids("b");
  response.add_user_ids("a");
  roles.Answer(response);
  EXPECT_EQ(Send(HttpMethod::kGet, "/recipe/role/users", "", {{"role", "r"}}),
            R"({"users":["b","a"],"status":"OK"})");
}

}  // namespace
}  // namespace gatehouse::gateway
