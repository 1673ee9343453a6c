#include "gateway/routes/roles_routes.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gatehouse/roles/v1/roles_service.rpc.h"
#include "gateway/api/lent_scope.h"
#include "gateway/api/route_group.h"
#include "gateway/json_input.h"
#include "gateway/routes/app_checks.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/tenancy/tenant_directory.h"

namespace gatehouse::gateway {
namespace {

using json::Value;
using roles::v1::RolesServiceClient;
using TextField = google::protobuf::RepeatedPtrField<std::string>;

// The parts that the handlers use.
struct Roles {
  RolesServiceClient client;
  const tenancy::TenantDirectory& tenants;
};

// Names of roles and permissions are trimmed; user ids are not.
absl::StatusOr<std::string> TrimmedName(std::string_view field, std::string_view text) {
  const std::string_view name = JavaTrim(text);
  if (name.empty()) return BadInput(StrCat("Field name '", field, "' cannot be an empty String"));
  return std::string(name);
}

absl::StatusOr<std::string> BodyRole(const Value& body) {
  ASSIGN_OR_RETURN(const std::string role, RequireString(body, "role"));
  return TrimmedName("role", role);
}

absl::StatusOr<std::string> QueryName(const ApiRequest& request, std::string_view field) {
  ASSIGN_OR_RETURN(const std::string name, request.RequireQuery(field));
  return TrimmedName(field, name);
}

// A role's permissions go into every session of its users, so nobody needs more than this. Each is
// a row with a foreign key to be checked: hundreds of thousands would occupy a connection for as
// long as a request may take.
constexpr size_t kMaxPermissions = 10000;

// The first invalid element decides, by its type or for being empty.
absl::StatusOr<std::optional<std::vector<std::string>>> BodyPermissions(const Value& body) {
  ASSIGN_OR_RETURN(const Value* array, OptionalArray(body, "permissions"));
  if (array == nullptr) return std::nullopt;
  if (array->size() > kMaxPermissions) {
    return BadInput(StrCat("permissions cannot have more than ", std::to_string(kMaxPermissions),
                           " elements"));
  }
  std::vector<std::string> permissions;
  permissions.reserve(array->size());
  for (const Value& element : array->elements()) {
    ASSIGN_OR_RETURN(const std::string text, StringElement(element, "permissions"));
    permissions.emplace_back(JavaTrim(text));
    if (permissions.back().empty()) {
      return BadInput("Field name 'permissions' cannot contain an empty string");
    }
  }
  return permissions;
}

Value Strings(const TextField& texts) {
  Value array = Value::Array();
  for (const std::string& text : texts) array.Append(text);
  return array;
}

Reply UnknownRole() { return StatusReply("UNKNOWN_ROLE_ERROR"); }

// PUT /recipe/role {role, permissions?}
absl::StatusOr<Reply> UpsertRole(ApiRequest& request, Roles& roles) {
  roles::v1::UpsertRoleRequest call;
  ASSIGN_OR_RETURN(const Value* body, request.JsonBody());
  ASSIGN_OR_RETURN(*call.mutable_role(), BodyRole(*body));
  ASSIGN_OR_RETURN(const auto permissions, BodyPermissions(*body));
  if (permissions) call.mutable_permissions()->Assign(permissions->begin(), permissions->end());
  RETURN_IF_ERROR(RequireAppThenPublicTenant(roles.tenants, request));
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const auto reply, roles.client.UpsertRole(request.context, call));
  return JsonReply(Value::Object({{"status", "OK"}, {"createdNewRole", reply.created()}}));
}

// POST /recipe/role/remove {role}
absl::StatusOr<Reply> DeleteRole(ApiRequest& request, Roles& roles) {
  roles::v1::DeleteRoleRequest call;
  ASSIGN_OR_RETURN(const Value* body, request.JsonBody());
  ASSIGN_OR_RETURN(*call.mutable_role(), BodyRole(*body));
  RETURN_IF_ERROR(RequireAppThenPublicTenant(roles.tenants, request));
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const auto reply, roles.client.DeleteRole(request.context, call));
  return JsonReply(Value::Object({{"status", "OK"}, {"didRoleExist", reply.existed()}}));
}

// GET /recipe/roles
absl::StatusOr<Reply> ListRoles(ApiRequest& request, Roles& roles) {
  roles::v1::ListRolesRequest call;
  RETURN_IF_ERROR(RequireAppThenPublicTenant(roles.tenants, request));
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const auto reply, roles.client.ListRoles(request.context, call));
  return JsonReply(Value::Object({{"roles", Strings(reply.roles())}, {"status", "OK"}}));
}

// GET /recipe/role/permissions?role
absl::StatusOr<Reply> ListPermissions(ApiRequest& request, Roles& roles) {
  roles::v1::ListRolePermissionsRequest call;
  ASSIGN_OR_RETURN(*call.mutable_role(), QueryName(request, "role"));
  RETURN_IF_ERROR(RequireAppThenPublicTenant(roles.tenants, request));
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const auto reply, roles.client.ListRolePermissions(request.context, call));
  if (!reply.role_found()) return UnknownRole();
  return JsonReply(
      Value::Object({{"permissions", Strings(reply.permissions())}, {"status", "OK"}}));
}

// POST /recipe/role/permissions/remove {role, permissions?}; without permissions: all of them.
absl::StatusOr<Reply> RemovePermissions(ApiRequest& request, Roles& roles) {
  roles::v1::RemoveRolePermissionsRequest call;
  ASSIGN_OR_RETURN(const Value* body, request.JsonBody());
  ASSIGN_OR_RETURN(*call.mutable_role(), BodyRole(*body));
  ASSIGN_OR_RETURN(const auto permissions, BodyPermissions(*body));
  call.set_all(!permissions.has_value());
  if (permissions) call.mutable_permissions()->Assign(permissions->begin(), permissions->end());
  RETURN_IF_ERROR(RequireAppThenPublicTenant(roles.tenants, request));
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const auto reply, roles.client.RemoveRolePermissions(request.context, call));
  return reply.role_found() ? StatusReply("OK") : UnknownRole();
}

// GET /recipe/permission/roles?permission
absl::StatusOr<Reply> ListRolesWithPermission(ApiRequest& request, Roles& roles) {
  roles::v1::ListRolesWithPermissionRequest call;
  ASSIGN_OR_RETURN(*call.mutable_permission(), QueryName(request, "permission"));
  RETURN_IF_ERROR(RequireAppThenPublicTenant(roles.tenants, request));
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const auto reply, roles.client.ListRolesWithPermission(request.context, call));
  return JsonReply(Value::Object({{"roles", Strings(reply.roles())}, {"status", "OK"}}));
}

// PUT /recipe/user/role {userId, role}
absl::StatusOr<Reply> AssignRole(ApiRequest& request, Roles& roles) {
  roles::v1::AssignRoleRequest call;
  ASSIGN_OR_RETURN(const Value* body, request.JsonBody());
  ASSIGN_OR_RETURN(*call.mutable_user_id(), RequireString(*body, "userId"));
  ASSIGN_OR_RETURN(*call.mutable_role(), BodyRole(*body));
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const auto reply, roles.client.AssignRole(request.context, call));
  if (!reply.role_found()) return UnknownRole();
  return JsonReply(
      Value::Object({{"status", "OK"}, {"didUserAlreadyHaveRole", reply.already_had_role()}}));
}

// POST /recipe/user/role/remove {userId, role}
absl::StatusOr<Reply> UnassignRole(ApiRequest& request, Roles& roles) {
  roles::v1::UnassignRoleRequest call;
  ASSIGN_OR_RETURN(const Value* body, request.JsonBody());
  ASSIGN_OR_RETURN(*call.mutable_user_id(), RequireString(*body, "userId"));
  ASSIGN_OR_RETURN(*call.mutable_role(), BodyRole(*body));
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const auto reply, roles.client.UnassignRole(request.context, call));
  if (!reply.role_found()) return UnknownRole();
  return JsonReply(Value::Object({{"status", "OK"}, {"didUserHaveRole", reply.had_role()}}));
}

// GET /recipe/user/roles?userId
absl::StatusOr<Reply> ListUserRoles(ApiRequest& request, Roles& roles) {
  roles::v1::ListUserRolesRequest call;
  ASSIGN_OR_RETURN(*call.mutable_user_id(), request.RequireQuery("userId"));
  const LentScope lent(request, call);
  ASSIGN_OR_RETURN(const auto reply, roles.client.ListUserRoles(request.context, call));
  return JsonReply(Value::Object({{"roles", Strings(reply.roles())}, {"status", "OK"}}));
}

// GET /recipe/role/users?role
absl::StatusOr<Reply> ListRoleUsers(ApiRequest& request, Roles& roles) {
  roles::v1::ListRoleUsersRequest call;
  ASSIGN_OR_RETURN(*call.mutable_role(), QueryName(request, "role"));
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const auto reply, roles.client.ListRoleUsers(request.context, call));
  if (!reply.role_found()) return UnknownRole();
  return JsonReply(Value::Object({{"users", Strings(reply.user_ids())}, {"status", "OK"}}));
}

}  // namespace

void AddRolesRoutes(RouteTable& routes, rpc::Channel& channel,
                    const tenancy::TenantDirectory& tenants) {
  const RouteGroup group(routes, "roles",
                         std::make_shared<Roles>(Roles{RolesServiceClient(channel), tenants}));
  // Of an app.
  group.Add(HttpMethod::kPut, "/recipe/role", UpsertRole);
  group.Add(HttpMethod::kPost, "/recipe/role/remove", DeleteRole);
  group.Add(HttpMethod::kGet, "/recipe/roles", ListRoles);
  group.Add(HttpMethod::kGet, "/recipe/role/permissions", ListPermissions);
  group.Add(HttpMethod::kPost, "/recipe/role/permissions/remove", RemovePermissions);
  group.Add(HttpMethod::kGet, "/recipe/permission/roles", ListRolesWithPermission);
  // Of a tenant.
  group.Add(HttpMethod::kPut, "/recipe/user/role", AssignRole);
  group.Add(HttpMethod::kPost, "/recipe/user/role/remove", UnassignRole);
  group.Add(HttpMethod::kGet, "/recipe/user/roles", ListUserRoles);
  group.Add(HttpMethod::kGet, "/recipe/role/users", ListRoleUsers);
}

}  // namespace gatehouse::gateway
