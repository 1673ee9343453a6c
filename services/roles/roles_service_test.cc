// The roles service as its callers see it, on a real database.

#include "services/roles/roles_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "libs/base/status.h"
#include "libs/rpc/user_data_policy.h"
#include "libs/testing/pg_test_server.h"
#include "libs/testing/policy_check.h"
#include "libs/testing/test_tenants.h"
#include "services/roles/pg_role_store.h"
#include "services/roles/policy.h"

namespace gatehouse::roles {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(RolesPolicyTest, IsEnforced) {
  testing::ExpectPolicyIsEnforced(v1::RolesService::Info(), RolesPolicy());
  testing::ExpectPolicyIsEnforced(common::v1::UserDataService::Info(), rpc::UserDataPolicy(),
                                  "roles");
}

class RolesServiceTest : public ::testing::Test {
 protected:
  RolesServiceTest() { context.deadline = testing::Soon(); }

  absl::StatusOr<v1::UpsertRoleResponse> Upsert(const common::v1::Scope& scope,
                                                const std::string& role,
                                                const std::vector<std::string>& permissions = {}) {
    v1::UpsertRoleRequest request;
    *request.mutable_scope() = scope;
    request.set_role(role);
    request.mutable_permissions()->Assign(permissions.begin(), permissions.end());
    return service.UpsertRole(context, request);
  }
  bool Created(const std::string& role, const std::vector<std::string>& permissions = {}) {
    auto response = Upsert(app, role, permissions);
    EXPECT_TRUE(response.ok()) << response.status();
    return response.ok() && response->created();
  }
  bool Deleted(const common::v1::Scope& scope, const std::string& role) {
    v1::DeleteRoleRequest request;
    *request.mutable_scope() = scope;
    request.set_role(role);
    auto response = service.DeleteRole(context, request);
    EXPECT_TRUE(response.ok()) << response.status();
    return response.ok() && response->existed();
  }
  absl::StatusOr<v1::AssignRoleResponse> Assign(const common::v1::Scope& scope,
                                                const std::string& user, const std::string& role) {
    v1::AssignRoleRequest request;
    *request.mutable_scope() = scope;
    request.set_user_id(user);
    request.set_role(role);
    return service.AssignRole(context, request);
  }
  absl::StatusOr<v1::UnassignRoleResponse> Unassign(const common::v1::Scope& scope,
                                                    const std::string& user,
                                                    const std::string& role) {
    v1::UnassignRoleRequest request;
    *request.mutable_scope() = scope;
    request.set_user_id(user);
    request.set_role(role);
    return service.UnassignRole(context, request);
  }
  std::vector<std::string> Roles(const common::v1::Scope& scope) {
    v1::ListRolesRequest request;
    *request.mutable_scope() = scope;
    auto response = service.ListRoles(context, request);
    EXPECT_TRUE(response.ok()) << response.status();
    return {response->roles().begin(), response->roles().end()};
  }
  std::vector<std::string> RolesOf(const common::v1::Scope& scope, const std::string& user) {
    v1::ListUserRolesRequest request;
    *request.mutable_scope() = scope;
    request.set_user_id(user);
    auto response = service.ListUserRoles(context, request);
    EXPECT_TRUE(response.ok()) << response.status();
    return {response->roles().begin(), response->roles().end()};
  }
  v1::ListRoleUsersResponse UsersOf(const common::v1::Scope& scope, const std::string& role) {
    v1::ListRoleUsersRequest request;
    *request.mutable_scope() = scope;
    request.set_role(role);
    auto response = service.ListRoleUsers(context, request);
    EXPECT_TRUE(response.ok()) << response.status();
    return *response;
  }
  v1::ListRolePermissionsResponse PermissionsOf(const std::string& role) {
    v1::ListRolePermissionsRequest request;
    *request.mutable_scope() = app;
    request.set_role(role);
    auto response = service.ListRolePermissions(context, request);
    EXPECT_TRUE(response.ok()) << response.status();
    return *response;
  }
  bool InUse(const std::string& user) {
    common::v1::IsUserIdInUseRequest request;
    *request.mutable_scope() = app;
    request.set_user_id(user);
    auto response = service.IsUserIdInUse(context, request);
    EXPECT_TRUE(response.ok()) << response.status();
    return response->in_use_by() == "UserRoles";
  }

  common::v1::Scope AddTenant(const std::string& app_id, const std::string& tenant_id) {
    return tenants.Add(app_id, tenant_id)->scope();
  }
  // In a database of its own.
  common::v1::Scope AddFarTenant() {
    far_database = testing::TestPostgres::Shared().CreateDatabase();
    return tenants.AddWithDatabase("app", "far", *far_database)->scope();
  }

  const std::unique_ptr<db::Database> database = testing::TestPostgres::Shared().CreateDatabase();
  std::unique_ptr<db::Database> far_database;
  testing::TestTenants tenants{*database};
  const common::v1::Scope app = AddTenant("app", "public");
  PgRoleStore store{tenants};
  RolesServiceImpl service{tenants.directory(), store};
  rpc::CallContext context;
};

TEST_F(RolesServiceTest, RoleIsCreatedOnceAndItsPermissionsAddUp) {
  EXPECT_TRUE(Created("editor", {"write", "read", "read"}));
  EXPECT_FALSE(Created("editor", {"publish", "read"}));
  EXPECT_FALSE(Created("editor"));
  EXPECT_THAT(PermissionsOf("editor").permissions(), ElementsAre("publish", "read", "write"));
}

TEST_F(RolesServiceTest, ListsAreSortedByCodePoint) {
  for (const char* role : {"b", "a", "B", "ä", "_", "10", "9"}) EXPECT_TRUE(Created(role));
  EXPECT_THAT(Roles(app), ElementsAre("10", "9", "B", "_", "a", "b", "ä"));
}

TEST_F(RolesServiceTest, UnknownRoleIsToldFromOneWithNothing) {
  Created("bare");
  EXPECT_TRUE(PermissionsOf("bare").role_found());
  EXPECT_THAT(PermissionsOf("bare").permissions(), IsEmpty());
  EXPECT_TRUE(UsersOf(app, "bare").role_found());
  EXPECT_FALSE(PermissionsOf("none").role_found());
  EXPECT_FALSE(UsersOf(app, "none").role_found());
  EXPECT_FALSE(Assign(app, "u", "none")->role_found());
  EXPECT_FALSE(Unassign(app, "u", "none")->role_found());
  EXPECT_FALSE(Deleted(app, "none"));
}

TEST_F(RolesServiceTest, RemovesSomePermissionsOrAll) {
  Created("editor", {"read", "write", "publish"});
  v1::RemoveRolePermissionsRequest request;
  *request.mutable_scope() = app;
  request.set_role("editor");
  EXPECT_TRUE(service.RemoveRolePermissions(context, request)->role_found());
  EXPECT_THAT(PermissionsOf("editor").permissions(), ElementsAre("publish", "read", "write"));

  request.add_permissions("write");
  request.add_permissions("never had");
  EXPECT_TRUE(service.RemoveRolePermissions(context, request)->role_found());
  EXPECT_THAT(PermissionsOf("editor").permissions(), ElementsAre("publish", "read"));

  request.clear_permissions();
  request.set_all(true);
  EXPECT_TRUE(service.RemoveRolePermissions(context, request)->role_found());
  EXPECT_THAT(PermissionsOf("editor").permissions(), IsEmpty());

  request.set_role("none");
  EXPECT_FALSE(service.RemoveRolePermissions(context, request)->role_found());
}

TEST_F(RolesServiceTest, FindsRolesByPermission) {
  Created("editor", {"read", "write"});
  Created("author", {"read"});
  Created("guest");
  v1::ListRolesWithPermissionRequest request;
  *request.mutable_scope() = app;
  request.set_permission("read");
  EXPECT_THAT(service.ListRolesWithPermission(context, request)->roles(),
              ElementsAre("author", "editor"));
  request.set_permission("none");
  EXPECT_THAT(service.ListRolesWithPermission(context, request)->roles(), IsEmpty());
}

TEST_F(RolesServiceTest, AssigningAndUnassigningSayWhatWasThere) {
  Created("editor");
  EXPECT_FALSE(Assign(app, " u ", "editor")->already_had_role());
  EXPECT_TRUE(Assign(app, " u ", "editor")->already_had_role());
  EXPECT_THAT(RolesOf(app, " u "), ElementsAre("editor"));
  EXPECT_THAT(RolesOf(app, "u"), IsEmpty());
  EXPECT_TRUE(Unassign(app, " u ", "editor")->had_role());
  EXPECT_FALSE(Unassign(app, " u ", "editor")->had_role());
  EXPECT_TRUE(Unassign(app, " u ", "editor")->role_found());
}

TEST_F(RolesServiceTest, RolesAreTheAppsAndAssignmentsTheTenants) {
  const auto tenant = AddTenant("app", "t1");
  const auto other_app = AddTenant("other", "public");
  Created("editor");
  EXPECT_THAT(Roles(tenant), ElementsAre("editor"));
  EXPECT_THAT(Roles(other_app), IsEmpty());
  EXPECT_TRUE(Assign(tenant, "u", "editor")->role_found());
  EXPECT_THAT(RolesOf(tenant, "u"), ElementsAre("editor"));
  EXPECT_THAT(RolesOf(app, "u"), IsEmpty());
  EXPECT_THAT(UsersOf(tenant, "editor").user_ids(), ElementsAre("u"));
  EXPECT_THAT(UsersOf(app, "editor").user_ids(), IsEmpty());
  EXPECT_FALSE(Assign(other_app, "u", "editor")->role_found());
}

TEST_F(RolesServiceTest, DeletingARoleTakesItFromEverybody) {
  const auto tenant = AddTenant("app", "t1");
  const auto far_tenant = AddFarTenant();
  Created("editor", {"read"});
  for (const auto& scope : {app, tenant, far_tenant}) {
    EXPECT_TRUE(Assign(scope, "u", "editor")->role_found());
  }
  EXPECT_TRUE(Deleted(app, "editor"));
  EXPECT_FALSE(Deleted(app, "editor"));
  for (const auto& scope : {app, tenant, far_tenant}) {
    EXPECT_THAT(RolesOf(scope, "u"), IsEmpty());
  }
  EXPECT_TRUE(Created("editor"));
  EXPECT_THAT(PermissionsOf("editor").permissions(), IsEmpty());
}

TEST_F(RolesServiceTest, TenantWithADatabaseOfItsOwnUsesTheAppsRoles) {
  const auto far_tenant = AddFarTenant();
  EXPECT_FALSE(Assign(far_tenant, "u", "editor")->role_found());
  Created("editor");
  EXPECT_TRUE(UsersOf(far_tenant, "editor").role_found());
  EXPECT_FALSE(Assign(far_tenant, "u", "editor")->already_had_role());
  EXPECT_TRUE(Assign(far_tenant, "u", "editor")->already_had_role());
  EXPECT_THAT(RolesOf(far_tenant, "u"), ElementsAre("editor"));
  EXPECT_THAT(UsersOf(far_tenant, "editor").user_ids(), ElementsAre("u"));
  EXPECT_TRUE(Unassign(far_tenant, "u", "editor")->had_role());
  EXPECT_TRUE(Unassign(far_tenant, "u", "editor")->role_found());
}

TEST_F(RolesServiceTest, RemovesAUserFromAllTenantsOfItsAppOnly) {
  const auto tenant = AddTenant("app", "t1");
  const auto far_tenant = AddFarTenant();
  const auto other_app = AddTenant("other", "public");
  Created("editor");
  Upsert(other_app, "editor").IgnoreError();
  for (const auto& scope : {tenant, far_tenant, other_app}) {
    EXPECT_TRUE(Assign(scope, "u", "editor")->role_found());
  }
  EXPECT_TRUE(Assign(app, "v", "editor")->role_found());
  EXPECT_TRUE(InUse("u"));
  common::v1::RemoveUsersRequest request;
  *request.mutable_scope() = app;
  request.add_user_ids("u");
  EXPECT_TRUE(service.RemoveUsers(context, request).ok());
  EXPECT_TRUE(service.RemoveUsers(context, request).ok());
  EXPECT_FALSE(InUse("u"));
  EXPECT_TRUE(InUse("v"));
  EXPECT_THAT(RolesOf(other_app, "u"), ElementsAre("editor"));
}

TEST_F(RolesServiceTest, FindsAUserIdInAnyDatabaseOfTheApp) {
  const auto far_tenant = AddFarTenant();
  Created("editor");
  EXPECT_TRUE(Assign(far_tenant, "u", "editor")->role_found());
  EXPECT_TRUE(InUse("u"));
}

TEST_F(RolesServiceTest, BadNamesAreRefusedAndChangeNothing) {
  const std::string longest(255, 'x');
  EXPECT_TRUE(Created(longest, {longest}));
  const std::string too_long(256, 'x');
  const std::string nul("a\0b", 3);
  for (const auto& [role, permissions] : std::vector<std::pair<std::string, std::string>>{
           {too_long, "read"}, {"a", too_long}, {"a", ""}, {"", "read"}, {nul, "read"}}) {
    EXPECT_EQ(ReasonOf(Upsert(app, role, {permissions}).status()), ErrorReason::kBadInput);
  }
  EXPECT_THAT(Roles(app), ElementsAre(longest));

  Created("editor");
  EXPECT_TRUE(Assign(app, std::string(128, 'u'), "editor")->role_found());
  EXPECT_EQ(ReasonOf(Assign(app, std::string(129, 'u'), "editor").status()),
            ErrorReason::kBadInput);
  EXPECT_FALSE(Assign(app, "u", too_long)->role_found());
  EXPECT_FALSE(Assign(app, std::string(129, 'u'), "none")->role_found());
}

TEST_F(RolesServiceTest, UnknownTenantAndAppAreNotFound) {
  const auto no_tenant = tenancy::MakeScope("", "app", "nosuch");
  const auto no_app = tenancy::MakeScope("", "nosuch", "public");
  EXPECT_EQ(ReasonOf(Assign(no_tenant, "u", "editor").status()), ErrorReason::kTenantNotFound);
  EXPECT_EQ(ReasonOf(Upsert(no_app, "editor").status()), ErrorReason::kTenantNotFound);
}

TEST_F(RolesServiceTest, TenantThatIsBeingRemovedIsNotFound) {
  const auto tenant = tenants.AddToDirectory("app", "t1")->scope();  // its row is gone
  Created("editor");
  EXPECT_EQ(ReasonOf(Assign(tenant, "u", "editor").status()), ErrorReason::kTenantNotFound);
}

TEST_F(RolesServiceTest, UsualOperationsTakeOneStatement) {
  Created("editor", {"read"});
  Assign(app, "u", "editor").IgnoreError();
  auto statements = [&](auto operation) {
    const int64_t before = db::ThreadStatements().statements;
    operation();
    return db::ThreadStatements().statements - before;
  };
  EXPECT_EQ(statements([&] { Created("editor", {"write"}); }), 1);
  EXPECT_EQ(statements([&] { Assign(app, "v", "editor").IgnoreError(); }), 1);
  EXPECT_EQ(statements([&] { RolesOf(app, "u"); }), 1);
  EXPECT_EQ(statements([&] { PermissionsOf("editor"); }), 1);
  EXPECT_EQ(statements([&] { UsersOf(app, "editor"); }), 1);
  EXPECT_EQ(statements([&] { Unassign(app, "v", "editor").IgnoreError(); }), 1);
}

}  // namespace
}  // namespace gatehouse::roles
