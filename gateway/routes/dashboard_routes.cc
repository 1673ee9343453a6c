#include "gateway/routes/dashboard_routes.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "gatehouse/dashboard/v1/core_config_service.rpc.h"
#include "gatehouse/dashboard/v1/dashboard_session_service.rpc.h"
#include "gatehouse/dashboard/v1/dashboard_user_service.rpc.h"
#include "gateway/api/route_group.h"
#include "gateway/json_input.h"
#include "gateway/routes/app_checks.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/tenancy/tenant_directory.h"

namespace gatehouse::gateway {
namespace {

using dashboard::v1::ConfigValue;
using dashboard::v1::CoreConfigKey;
using json::Value;

// What the handlers work with.
struct Dashboard {
  dashboard::v1::DashboardUserServiceClient users;
  dashboard::v1::DashboardSessionServiceClient sessions;
  dashboard::v1::CoreConfigServiceClient core_config;
  const tenancy::TenantDirectory& tenants;
};

absl::StatusOr<std::string> Trimmed(std::string_view field, std::string_view text) {
  const std::string_view trimmed = JavaTrim(text);
  if (trimmed.empty()) return BadInput(StrCat("Field name '", field, "' cannot be an empty String"));
  return std::string(trimmed);
}

absl::StatusOr<std::string> BodyText(const Value& body, std::string_view field) {
  ASSIGN_OR_RETURN(const std::string text, RequireString(body, field));
  return Trimmed(field, text);
}

absl::StatusOr<std::optional<std::string>> OptionalBodyText(const Value& body,
                                                            std::string_view field) {
  ASSIGN_OR_RETURN(const std::optional<std::string> text, OptionalString(body, field));
  if (!text.has_value()) return std::nullopt;
  return Trimmed(field, *text);
}

absl::StatusOr<std::string> QueryText(const ApiRequest& request, std::string_view field) {
  ASSIGN_OR_RETURN(const std::string text, request.RequireQuery(field));
  return Trimmed(field, text);
}

absl::StatusOr<std::optional<std::string>> OptionalQueryText(const ApiRequest& request,
                                                             std::string_view field) {
  const std::optional<std::string_view> text = request.Query(field);
  if (!text.has_value()) return std::nullopt;
  return Trimmed(field, *text);
}

absl::Status NobodyNamed() { return BadInput("Either field 'email' or 'userId' must be present"); }

Value UserJson(const dashboard::v1::User& user) {
  return Value::Object({{"userId", user.user_id()},
                        {"email", user.email()},
                        {"timeJoined", user.time_joined_ms()}});
}

Reply UserReply(const dashboard::v1::User& user) {
  return JsonReply(Value::Object({{"status", "OK"}, {"user", UserJson(user)}}));
}

Reply FaultReply(const dashboard::v1::CredentialsFault& fault) {
  if (fault.has_weak_password()) {
    return JsonReply(
        Value::Object({{"status", "PASSWORD_WEAK_ERROR"}, {"message", fault.weak_password()}}));
  }
  return StatusReply("INVALID_EMAIL_ERROR");
}

// POST /recipe/dashboard/user {email, password}
absl::StatusOr<Reply> CreateUser(ApiRequest& request, Dashboard& parts) {
  dashboard::v1::CreateUserRequest call;
  ASSIGN_OR_RETURN(const Value* body, request.JsonBody());
  ASSIGN_OR_RETURN(*call.mutable_email(), BodyText(*body, "email"));
  // A fault of the email is answered before one in the rest of the request, and a weak password
  // before an unknown app.
  absl::StatusOr<std::string> password = BodyText(*body, "password");
  absl::Status refused = password.status();
  if (password.ok()) {
    call.set_password(*std::move(password));
    refused = RequireAppThenPublicTenant(parts.tenants, request);
  }
  call.set_validate_only(!refused.ok());
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const auto reply, parts.users.CreateUser(request.context, call));
  if (reply.has_fault()) return FaultReply(reply.fault());
  RETURN_IF_ERROR(refused);
  if (reply.email_already_exists()) return StatusReply("EMAIL_ALREADY_EXISTS_ERROR");
  return UserReply(reply.created());
}

// Whom a PUT is about: the user id counts before the email.
absl::Status ReadUser(const Value& body, dashboard::v1::UpdateUserRequest& call) {
  ASSIGN_OR_RETURN(std::optional<std::string> user_id, OptionalBodyText(body, "userId"));
  if (user_id.has_value()) {
    call.set_user_id(*std::move(user_id));
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(std::optional<std::string> email, OptionalBodyText(body, "email"));
  if (!email.has_value()) return NobodyNamed();
  call.set_email(*std::move(email));
  return absl::OkStatus();
}

// PUT /recipe/dashboard/user {userId | email, newEmail?, newPassword?}
absl::StatusOr<Reply> UpdateUser(ApiRequest& request, Dashboard& parts) {
  dashboard::v1::UpdateUserRequest call;
  ASSIGN_OR_RETURN(const Value* body, request.JsonBody());
  ASSIGN_OR_RETURN(std::optional<std::string> email, OptionalBodyText(*body, "newEmail"));
  if (email.has_value()) call.set_new_email(*std::move(email));
  // In the order of CreateUser.
  absl::StatusOr<std::optional<std::string>> password = OptionalBodyText(*body, "newPassword");
  absl::Status refused = password.status();
  if (password.ok()) {
    if (password->has_value()) call.set_new_password(**std::move(password));
    refused = RequireAppThenPublicTenant(parts.tenants, request);
  }
  if (refused.ok()) refused = ReadUser(*body, call);
  call.set_validate_only(!refused.ok());
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const auto reply, parts.users.UpdateUser(request.context, call));
  if (reply.has_fault()) return FaultReply(reply.fault());
  RETURN_IF_ERROR(refused);
  if (reply.email_already_exists()) return StatusReply("EMAIL_ALREADY_EXISTS_ERROR");
  if (reply.unknown_user()) return StatusReply("UNKNOWN_USER_ERROR");
  return UserReply(reply.updated());
}

// DELETE /recipe/dashboard/user?userId or ?email
absl::StatusOr<Reply> DeleteUser(ApiRequest& request, Dashboard& parts) {
  dashboard::v1::DeleteUserRequest call;
  ASSIGN_OR_RETURN(std::optional<std::string> user_id, OptionalQueryText(request, "userId"));
  if (user_id.has_value()) {
    call.set_user_id(*std::move(user_id));
  } else {
    ASSIGN_OR_RETURN(std::optional<std::string> email, OptionalQueryText(request, "email"));
    if (!email.has_value()) return NobodyNamed();
    call.set_email(*std::move(email));
  }
  RETURN_IF_ERROR(RequireAppThenPublicTenant(parts.tenants, request));
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const auto reply, parts.users.DeleteUser(request.context, call));
  return JsonReply(Value::Object({{"status", "OK"}, {"didUserExist", reply.existed()}}));
}

// GET /recipe/dashboard/users
absl::StatusOr<Reply> ListUsers(ApiRequest& request, Dashboard& parts) {
  dashboard::v1::ListUsersRequest call;
  RETURN_IF_ERROR(RequireAppThenPublicTenant(parts.tenants, request));
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const auto reply, parts.users.ListUsers(request.context, call));
  Value users = Value::Array();
  for (const auto& user : reply.users()) users.Append(UserJson(user));
  return JsonReply(Value::Object({{"status", "OK"}, {"users", std::move(users)}}));
}

// POST /recipe/dashboard/signin {email, password}
absl::StatusOr<Reply> SignIn(ApiRequest& request, Dashboard& parts) {
  dashboard::v1::SignInRequest call;
  ASSIGN_OR_RETURN(const Value* body, request.JsonBody());
  ASSIGN_OR_RETURN(*call.mutable_email(), BodyText(*body, "email"));
  ASSIGN_OR_RETURN(*call.mutable_password(), BodyText(*body, "password"));
  RETURN_IF_ERROR(RequireAppThenPublicTenant(parts.tenants, request));
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const auto reply, parts.users.SignIn(request.context, call));
  if (!reply.has_session_id()) return StatusReply("INVALID_CREDENTIALS_ERROR");
  return JsonReply(Value::Object({{"status", "OK"}, {"sessionId", reply.session_id()}}));
}

// POST /recipe/dashboard/session/verify {sessionId}
absl::StatusOr<Reply> VerifySession(ApiRequest& request, Dashboard& parts) {
  dashboard::v1::VerifySessionRequest call;
  ASSIGN_OR_RETURN(const Value* body, request.JsonBody());
  ASSIGN_OR_RETURN(*call.mutable_session_id(), BodyText(*body, "sessionId"));
  RETURN_IF_ERROR(RequireAppThenPublicTenant(parts.tenants, request));
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const auto reply, parts.sessions.VerifySession(request.context, call));
  if (!reply.has_email()) return StatusReply("INVALID_SESSION_ERROR");
  Value answer = Value::Object({{"status", "OK"}});
  if (request.cdi >= cdi::k3_0) answer.Set("email", reply.email());
  return JsonReply(answer);
}

// DELETE /recipe/dashboard/session?sessionId
absl::StatusOr<Reply> RevokeSession(ApiRequest& request, Dashboard& parts) {
  dashboard::v1::RevokeSessionRequest call;
  ASSIGN_OR_RETURN(*call.mutable_session_id(), QueryText(request, "sessionId"));
  RETURN_IF_ERROR(RequireAppThenPublicTenant(parts.tenants, request));
  *call.mutable_scope() = request.scope;
  RETURN_IF_ERROR(parts.sessions.RevokeSession(request.context, call).status());
  return StatusReply("OK");
}

// GET /recipe/dashboard/user/sessions?userId
absl::StatusOr<Reply> ListSessions(ApiRequest& request, Dashboard& parts) {
  dashboard::v1::ListSessionsRequest call;
  ASSIGN_OR_RETURN(*call.mutable_user_id(), QueryText(request, "userId"));
  RETURN_IF_ERROR(RequireAppThenPublicTenant(parts.tenants, request));
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const auto reply, parts.sessions.ListSessions(request.context, call));
  Value sessions = Value::Array();
  for (const auto& session : reply.sessions()) {
    sessions.Append(Value::Object({{"userId", session.user_id()},
                                   {"sessionId", session.session_id()},
                                   {"timeCreated", session.time_created_ms()},
                                   {"expiry", session.expiry_ms()}}));
  }
  return JsonReply(Value::Object({{"status", "OK"}, {"sessions", std::move(sessions)}}));
}

Value ConfigValueJson(const ConfigValue& value) {
  switch (value.value_case()) {
    case ConfigValue::kBoolean:
      return value.boolean();
    case ConfigValue::kInteger:
      return value.integer();
    case ConfigValue::kReal:
      return Value::Double(value.real());
    case ConfigValue::kText:
      return value.text();
    case ConfigValue::VALUE_NOT_SET:
      break;
  }
  return Value::Null();
}

std::string_view TypeName(CoreConfigKey::Type type) {
  switch (type) {
    case CoreConfigKey::TYPE_NUMBER:
      return "number";
    case CoreConfigKey::TYPE_BOOLEAN:
      return "boolean";
    case CoreConfigKey::TYPE_ENUM:
      return "enum";
    default:
      return "string";
  }
}

Value KeyJson(const CoreConfigKey& key) {
  Value possible = Value::Null();
  for (const std::string& value : key.possible_values()) possible.Append(value);
  return Value::Object({{"key", key.name()},
                        {"valueType", TypeName(key.type())},
                        {"value", ConfigValueJson(key.value())},
                        {"description", key.description()},
                        {"isDifferentAcrossTenants", key.different_across_tenants()},
                        {"possibleValues", std::move(possible)},
                        {"isNullable", key.nullable()},
                        {"defaultValue", ConfigValueJson(key.default_value())},
                        {"isPluginProperty", key.of_database()},
                        {"isPluginPropertyEditable", key.database_key_editable()}});
}

// GET /recipe/dashboard/tenant/core-config
absl::StatusOr<Reply> ListCoreConfig(ApiRequest& request, Dashboard& parts) {
  dashboard::v1::ListCoreConfigRequest call;
  *call.mutable_scope() = request.scope;
  call.set_hide_protected(KeepsProtectedSettingsFrom(parts.tenants, request));
  ASSIGN_OR_RETURN(const auto reply, parts.core_config.ListCoreConfig(request.context, call));
  Value keys = Value::Array();
  for (const CoreConfigKey& key : reply.keys()) keys.Append(KeyJson(key));
  return JsonReply(Value::Object({{"status", "OK"}, {"config", std::move(keys)}}));
}

}  // namespace

void AddDashboardRoutes(RouteTable& routes, rpc::Channel& channel,
                        const tenancy::TenantDirectory& tenants) {
  const RouteGroup group(
      routes, "dashboard",
      std::make_shared<Dashboard>(Dashboard{dashboard::v1::DashboardUserServiceClient(channel),
                                            dashboard::v1::DashboardSessionServiceClient(channel),
                                            dashboard::v1::CoreConfigServiceClient(channel),
                                            tenants}));
  const RouteGroup users = group.At("dashboard/passwords");
  users.Add(HttpMethod::kPost, "/recipe/dashboard/user", CreateUser);
  users.Add(HttpMethod::kPut, "/recipe/dashboard/user", UpdateUser);
  users.Add(HttpMethod::kDelete, "/recipe/dashboard/user", DeleteUser);
  users.Add(HttpMethod::kGet, "/recipe/dashboard/users", ListUsers);
  users.Add(HttpMethod::kPost, "/recipe/dashboard/signin", SignIn);
  group.Add(HttpMethod::kPost, "/recipe/dashboard/session/verify", VerifySession);
  group.Add(HttpMethod::kDelete, "/recipe/dashboard/session", RevokeSession);
  group.Add(HttpMethod::kGet, "/recipe/dashboard/user/sessions", ListSessions);
  // Of a tenant.
  group.Add(HttpMethod::kGet, "/recipe/dashboard/tenant/core-config", ListCoreConfig);
}

}  // namespace gatehouse::gateway
