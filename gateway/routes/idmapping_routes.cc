#include "gateway/routes/idmapping_routes.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "gatehouse/accounts/v1/accounts_service.rpc.h"
#include "gatehouse/users/v1/id_mapping_service.rpc.h"
#include "gateway/api/route_group.h"
#include "gateway/json_input.h"
#include "gateway/routes/app_checks.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/tenancy/tenant_directory.h"

namespace gatehouse::gateway {
namespace {

using json::Value;

struct Clients {
  Clients(rpc::Channel& accounts_channel, rpc::Channel& users_channel,
          const tenancy::TenantDirectory& tenant_directory)
      : tenants(tenant_directory), accounts(accounts_channel), id_mapping(users_channel) {}
  const tenancy::TenantDirectory& tenants;
  accounts::v1::AccountsServiceClient accounts;
  users::v1::IdMappingServiceClient id_mapping;
};

absl::StatusOr<std::string> Trimmed(std::string_view field, std::string_view text) {
  const std::string_view trimmed = JavaTrim(text);
  if (trimmed.empty()) {
    return BadInput(StrCat("Field name '", field, "' cannot be an empty String"));
  }
  return std::string(trimmed);
}

absl::StatusOr<std::string> BodyId(const Value& body, std::string_view field) {
  ASSIGN_OR_RETURN(const std::string id, RequireString(body, field));
  return Trimmed(field, id);
}

absl::StatusOr<users::v1::UserIdType> TypeOf(const std::optional<std::string>& name) {
  if (!name.has_value()) return users::v1::USER_ID_TYPE_UNSPECIFIED;
  const std::string_view trimmed = JavaTrim(*name);
  if (trimmed == "SUPERTOKENS") return users::v1::USER_ID_TYPE_SUPERTOKENS;
  if (trimmed == "EXTERNAL") return users::v1::USER_ID_TYPE_EXTERNAL;
  if (trimmed == "ANY") return users::v1::USER_ID_TYPE_UNSPECIFIED;
  return BadInput("Field name 'userIdType' should be one of 'SUPERTOKENS', 'EXTERNAL' or 'ANY'");
}

absl::StatusOr<users::v1::UserIdType> BodyType(const Value& body) {
  ASSIGN_OR_RETURN(const std::optional<std::string> name, OptionalString(body, "userIdType"));
  return TypeOf(name);
}

// The note of a mapping; nullopt for null, and if absent.
absl::StatusOr<std::optional<std::string>> TrimmedInfo(std::optional<std::string> info) {
  if (!info.has_value()) return std::nullopt;
  ASSIGN_OR_RETURN(std::string trimmed, Trimmed("externalUserIdInfo", *info));
  return trimmed;
}

// POST /recipe/userid/map {superTokensUserId, externalUserId, externalUserIdInfo?, force?}
absl::StatusOr<Reply> Create(ApiRequest& request, Clients& clients) {
  accounts::v1::CreateUserIdMappingRequest call;
  ASSIGN_OR_RETURN(const Value* body, request.JsonBody());
  ASSIGN_OR_RETURN(*call.mutable_supertokens_user_id(), BodyId(*body, "superTokensUserId"));
  ASSIGN_OR_RETURN(*call.mutable_external_user_id(), BodyId(*body, "externalUserId"));
  ASSIGN_OR_RETURN(std::optional<std::string> given,
                   OptionalStringOrNull(*body, "externalUserIdInfo"));
  ASSIGN_OR_RETURN(std::optional<std::string> info, TrimmedInfo(std::move(given)));
  if (info.has_value()) call.set_external_user_id_info(*std::move(info));
  ASSIGN_OR_RETURN(const std::optional<bool> force, OptionalBool(*body, "force"));
  call.set_force(force.value_or(false));
  call.set_move_email_verification(request.cdi >= cdi::k4_0);
  RETURN_IF_ERROR(RequireAppThenPublicTenant(clients.tenants, request));
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const auto reply, clients.accounts.CreateUserIdMapping(request.context, call));
  if (reply.unknown_supertokens_user_id()) return StatusReply("UNKNOWN_SUPERTOKENS_USER_ID_ERROR");
  if (!reply.has_conflict()) return StatusReply("OK");
  return JsonReply(Value::Object(
      {{"status", "USER_ID_MAPPING_ALREADY_EXISTS_ERROR"},
       {"doesSuperTokensUserIdExist", reply.conflict().supertokens_user_id_is_mapped()},
       {"doesExternalUserIdExist", reply.conflict().external_user_id_is_mapped()}}));
}

// GET /recipe/userid/map?userId&userIdType?
absl::StatusOr<Reply> Find(ApiRequest& request, Clients& clients) {
  users::v1::FindUserIdMappingRequest call;
  ASSIGN_OR_RETURN(const std::string id, request.RequireQuery("userId"));
  ASSIGN_OR_RETURN(*call.mutable_user_id(), Trimmed("userId", id));
  std::optional<std::string> type_name;
  if (auto given = request.Query("userIdType")) type_name = std::string(*given);
  ASSIGN_OR_RETURN(const users::v1::UserIdType type, TypeOf(type_name));
  call.set_type(type);
  RETURN_IF_ERROR(RequirePublicTenantThenApp(clients.tenants, request));
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const auto reply, clients.id_mapping.FindUserIdMapping(request.context, call));
  if (!reply.has_mapping()) return StatusReply("UNKNOWN_MAPPING_ERROR");
  const users::v1::UserIdMapping& mapping = reply.mapping();
  Value value = Value::Object({{"status", "OK"},
                               {"superTokensUserId", mapping.supertokens_user_id()},
                               {"externalUserId", mapping.external_user_id()}});
  if (mapping.has_external_user_id_info()) {
    value.Set("externalUserIdInfo", mapping.external_user_id_info());
  }
  return JsonReply(value);
}

// POST /recipe/userid/map/remove {userId, userIdType?, force?}
absl::StatusOr<Reply> Remove(ApiRequest& request, Clients& clients) {
  accounts::v1::DeleteUserIdMappingRequest call;
  ASSIGN_OR_RETURN(const Value* body, request.JsonBody());
  ASSIGN_OR_RETURN(*call.mutable_user_id(), BodyId(*body, "userId"));
  ASSIGN_OR_RETURN(const users::v1::UserIdType type, BodyType(*body));
  call.set_type(type);
  ASSIGN_OR_RETURN(const std::optional<bool> force, OptionalBool(*body, "force"));
  call.set_force(force.value_or(false));
  RETURN_IF_ERROR(RequirePublicTenantThenApp(clients.tenants, request));
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const auto reply, clients.accounts.DeleteUserIdMapping(request.context, call));
  return JsonReply(Value::Object({{"status", "OK"}, {"didMappingExist", reply.existed()}}));
}

// PUT /recipe/userid/external-user-id-info {userId, userIdType?, externalUserIdInfo}
absl::StatusOr<Reply> SetInfo(ApiRequest& request, Clients& clients) {
  users::v1::SetExternalUserIdInfoRequest call;
  ASSIGN_OR_RETURN(const Value* body, request.JsonBody());
  ASSIGN_OR_RETURN(*call.mutable_user_id(), BodyId(*body, "userId"));
  ASSIGN_OR_RETURN(const users::v1::UserIdType type, BodyType(*body));
  call.set_type(type);
  ASSIGN_OR_RETURN(std::optional<std::string> given,
                   RequireStringOrNull(*body, "externalUserIdInfo"));
  ASSIGN_OR_RETURN(std::optional<std::string> info, TrimmedInfo(std::move(given)));
  if (info.has_value()) call.set_external_user_id_info(*std::move(info));
  RETURN_IF_ERROR(RequirePublicTenantThenApp(clients.tenants, request));
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const auto reply,
                   clients.id_mapping.SetExternalUserIdInfo(request.context, call));
  return StatusReply(reply.mapping_found() ? "OK" : "UNKNOWN_MAPPING_ERROR");
}

}  // namespace

void AddIdMappingRoutes(RouteTable& routes, rpc::Channel& accounts, rpc::Channel& users,
                        const tenancy::TenantDirectory& tenants) {
  const RouteGroup of_users(routes, "users", std::make_shared<Clients>(accounts, users, tenants));
  const auto of_accounts = of_users.At("accounts");
  of_accounts.Add(HttpMethod::kPost, "/recipe/userid/map", Create);
  of_users.Add(HttpMethod::kGet, "/recipe/userid/map", Find);
  of_accounts.Add(HttpMethod::kPost, "/recipe/userid/map/remove", Remove);
  of_users.Add(HttpMethod::kPut, "/recipe/userid/external-user-id-info", SetInfo);
}

}  // namespace gatehouse::gateway
