#include "gateway/routes/metadata_routes.h"

#include <memory>
#include <string>
#include <utility>

#include "gatehouse/users/v1/metadata_service.rpc.h"
#include "gateway/api/lent_scope.h"
#include "gateway/api/route_group.h"
#include "gateway/json_input.h"
#include "gateway/routes/app_checks.h"
#include "libs/base/status.h"
#include "libs/tenancy/tenant_directory.h"

namespace gatehouse::gateway {
namespace {

namespace v1 = users::v1;
using json::Value;

struct Client {
  v1::MetadataServiceClient service;
  const tenancy::TenantDirectory& tenants;

  v1::MetadataService* operator->() { return &service; }
};

// The original's.
constexpr size_t kMaxUsersAtOnce = 500;

// Metadata is JSON text already; numbers in it keep their text.
Reply MetadataReply(const std::string& metadata_json) {
  Reply reply;
  reply.body = R"({"metadata":)" + metadata_json + R"(,"status":"OK"})";
  return reply;
}

// GET /recipe/user/metadata?userId
absl::StatusOr<Reply> Get(ApiRequest& request, Client& client) {
  v1::GetMetadataRequest call;
  ASSIGN_OR_RETURN(*call.mutable_user_id(), request.RequireQuery("userId"));
  RETURN_IF_ERROR(RequireAppThenPublicTenant(client.tenants, request));
  const LentScope lent(request, call);
  ASSIGN_OR_RETURN(const auto reply, client->GetMetadata(request.context, call));
  return MetadataReply(reply.metadata_json());
}

// PUT /recipe/user/metadata {userId, metadataUpdate}
absl::StatusOr<Reply> Update(ApiRequest& request, Client& client) {
  v1::UpdateMetadataRequest call;
  ASSIGN_OR_RETURN(const Value* body, request.JsonBody());
  ASSIGN_OR_RETURN(*call.mutable_user_id(), RequireString(*body, "userId"));
  ASSIGN_OR_RETURN(const Value* update, RequireObject(*body, "metadataUpdate"));
  RETURN_IF_ERROR(RequireAppThenPublicTenant(client.tenants, request));
  call.set_update_json(json::Serialize(*update));
  const LentScope lent(request, call);
  ASSIGN_OR_RETURN(const auto reply, client->UpdateMetadata(request.context, call));
  return MetadataReply(reply.metadata_json());
}

// POST /recipe/user/metadata/remove {userId}
absl::StatusOr<Reply> Remove(ApiRequest& request, Client& client) {
  v1::DeleteMetadataRequest call;
  ASSIGN_OR_RETURN(const Value* body, request.JsonBody());
  ASSIGN_OR_RETURN(*call.mutable_user_id(), RequireString(*body, "userId"));
  RETURN_IF_ERROR(RequireAppThenPublicTenant(client.tenants, request));
  *call.mutable_scope() = request.scope;
  RETURN_IF_ERROR(client->DeleteMetadata(request.context, call).status());
  return StatusReply("OK");
}

// POST /recipe/user/metadata/bulk {userIds}
absl::StatusOr<Reply> List(ApiRequest& request, Client& client) {
  v1::ListMetadataRequest call;
  ASSIGN_OR_RETURN(const Value* body, request.JsonBody());
  ASSIGN_OR_RETURN(const Value* ids, RequireArray(*body, "userIds"));
  if (ids->elements().empty()) {
    return JsonReply(Value::Object({{"status", "OK"}, {"users", Value::Array()}}));
  }
  if (ids->elements().size() > kMaxUsersAtOnce) {
    return BadInput("You can only query up to 500 users at a time.");
  }
  for (const Value& id : ids->elements()) {
    if (!id.is_string()) return BadInput("userIds array must contain only strings");
    call.add_user_ids(std::string(*id.AsString()));
  }
  RETURN_IF_ERROR(RequireAppThenPublicTenant(client.tenants, request));
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const auto found, client->ListMetadata(request.context, call));
  Reply reply;
  reply.body = R"({"status":"OK","users":[)";
  for (const v1::UserMetadata& user : found.users()) {
    if (reply.body.back() == '}') reply.body += ',';
    reply.body += R"({"userId":)";
    json::AppendQuoted(user.user_id(), reply.body);
    reply.body += R"(,"metadata":)";
    reply.body += user.has_metadata_json() ? user.metadata_json() : "null";
    reply.body += '}';
  }
  reply.body += "]}";
  return reply;
}

}  // namespace

void AddMetadataRoutes(RouteTable& routes, rpc::Channel& users,
                       const tenancy::TenantDirectory& tenants) {
  const RouteGroup group(
      routes, "users", std::make_shared<Client>(Client{v1::MetadataServiceClient(users), tenants}));
  group.Add(HttpMethod::kGet, "/recipe/user/metadata", Get);
  group.Add(HttpMethod::kPut, "/recipe/user/metadata", Update);
  group.Add(HttpMethod::kPost, "/recipe/user/metadata/remove", Remove);
  group.Add(HttpMethod::kPost, "/recipe/user/metadata/bulk", List);
}

}  // namespace gatehouse::gateway
