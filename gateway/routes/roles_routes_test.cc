// What the routes read, in which order they complain, and what they answer; the service is a fake.

#include "gateway/routes/roles_routes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <string>

#include "gatehouse/roles/v1/roles_service.rpc.h"
#include "libs/base/status.h"
#include "libs/rpc/dispatcher.h"

namespace gatehouse::gateway {
namespace {

using ::testing::ElementsAre;

// Answers what it is told to, and keeps the last request.
class FakeRoles final : public rpc::Channel {
 public:
  absl::Status Call(const rpc::MethodInfo& method, const rpc::CallContext&,
                    const google::protobuf::Message& request,
                    google::protobuf::Message* response) override {
    ++calls;
    last_method = method.name;
    last_request = request.SerializeAsString();
    EXPECT_TRUE(response->ParseFromString(answer));
    return absl::OkStatus();
  }
  std::unique_ptr<rpc::Subscription> Subscribe(
      const rpc::MethodInfo&, const rpc::CallContext&, const google::protobuf::Message&,
      std::function<void(const google::protobuf::Message&)>) override {
    return nullptr;
  }
  bool local() const override { return true; }

  int calls = 0;
  std::string last_method, last_request, answer;
};

class RolesRoutesTest : public ::testing::Test {
 protected:
  RolesRoutesTest() { AddRolesRoutes(routes, roles); }

  // The reply's body, or "<reason>: <text>".
  std::string Send(HttpMethod method, const std::string& path, const std::string& body,
                   std::vector<std::pair<std::string, std::string>> query = {}) {
    const auto match = routes.Find(method, path);
    if (!match || match->route == nullptr) return "no route";
    ApiRequest request;
    request.method = method;
    request.scope.set_app_id(match->app_id);
    request.scope.set_tenant_id(match->tenant_id);
    request.cdi = cdi;
    request.query = std::move(query);
    request.body = body;
    const absl::StatusOr<Reply> reply = match->route->handler(request);
    if (reply.ok()) return reply->body;
    return std::string(ErrorReasonName(ReasonOf(reply.status()))) + ": " +
           std::string(reply.status().message());
  }
  template <typename Request>
  Request Last() {
    Request request;
    EXPECT_TRUE(request.ParseFromString(roles.last_request));
    return request;
  }
  template <typename Response>
  void Answer(const Response& response) {
    roles.answer = response.SerializeAsString();
  }

  FakeRoles roles;
  RouteTable routes;
  CdiVersion cdi = cdi::k5_4;
};

TEST_F(RolesRoutesTest, NamesAreTrimmedAndUserIdsAreNot) {
  roles::v1::AssignRoleResponse response;
  response.set_role_found(true);
  Answer(response);
  EXPECT_EQ(Send(HttpMethod::kPut, "/t1/recipe/user/role", R"({"userId":" u ","role":" r "})"),
            R"({"status":"OK","didUserAlreadyHaveRole":false})");
  const auto request = Last<roles::v1::AssignRoleRequest>();
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
  EXPECT_EQ(roles.calls, 0);
}

TEST_F(RolesRoutesTest, OldVersionsTakeTheAppForTheTenant) {
  cdi = cdi::k4_0;
  EXPECT_EQ(Send(HttpMethod::kGet, "/t1/recipe/roles", ""), R"({"roles":[],"status":"OK"})");
  EXPECT_EQ(Last<roles::v1::ListRolesRequest>().scope().tenant_id(), "public");
}

TEST_F(RolesRoutesTest, AbsentPermissionsMeanAllAndAnEmptyListNone) {
  roles::v1::RemoveRolePermissionsResponse response;
  response.set_role_found(true);
  Answer(response);
  const std::string path = "/recipe/role/permissions/remove";
  EXPECT_EQ(Send(HttpMethod::kPost, path, R"({"role":"r"})"), R"({"status":"OK"})");
  EXPECT_TRUE(Last<roles::v1::RemoveRolePermissionsRequest>().all());
  Send(HttpMethod::kPost, path, R"({"role":"r","permissions":[]})");
  EXPECT_FALSE(Last<roles::v1::RemoveRolePermissionsRequest>().all());
  Send(HttpMethod::kPost, path, R"({"role":"r","permissions":[" a ","b"]})");
  EXPECT_THAT(Last<roles::v1::RemoveRolePermissionsRequest>().permissions(), ElementsAre("a", "b"));
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
  Answer(response);
  EXPECT_EQ(Send(HttpMethod::kGet, "/recipe/role/users", "", {{"role", "r"}}),
            R"({"users":["b","a"],"status":"OK"})");
}

}  // namespace
}  // namespace gatehouse::gateway
