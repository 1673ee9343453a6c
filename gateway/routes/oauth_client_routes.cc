#include <algorithm>
#include <charconv>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "gatehouse/oauth/v1/oauth_client_service.rpc.h"
#include "gateway/api/route_group.h"
#include "gateway/json_input.h"
#include "gateway/routes/app_checks.h"
#include "gateway/routes/oauth_json.h"
#include "gateway/routes/oauth_routes.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/crypto/bytes.h"

namespace gatehouse::gateway {
namespace {

using json::Value;

// What the handlers work with.
struct Clients {
  oauth::v1::OAuthClientServiceClient service;
  const tenancy::TenantDirectory& tenants;
};

Reply UndecodableReply(std::string_view why) {
  return OAuthErrorReply("The request was malformed or contained invalid parameters",
                         StrCat("Unable to decode the request body: ", why), 400);
}

Reply OkReply(Value client, bool rotation) {
  client.Set("enableRefreshTokenRotation", rotation);
  client.Set("status", "OK");
  return JsonReply(client);
}

// POST /recipe/oauth/clients
absl::StatusOr<Reply> CreateClient(ApiRequest& request, Clients& parts) {
  ASSIGN_OR_RETURN(const Value* body, request.JsonBody());
  ASSIGN_OR_RETURN(const std::optional<bool> rotation,
                   OptionalBool(*body, "enableRefreshTokenRotation"));
  RETURN_IF_ERROR(RequireAppThenPublicTenant(parts.tenants, request));
  ClientInput input;
  if (auto wrong = ReadClient(*body, input)) return UndecodableReply(*wrong);
  oauth::v1::CreateClientRequest call;
  *call.mutable_scope() = request.scope;
  // An empty id gets another form than an absent one.
  if (body->Find("clientId") == nullptr) {
    input.client.clear_client_id();
  } else if (input.client.client_id().empty()) {
    input.client.set_client_id(crypto::NewUuid4());
  }
  input.client.set_enable_refresh_token_rotation(rotation.value_or(false));
  // The same for all clients, whatever they ask for.
  input.client.set_subject_type("public");
  *call.mutable_client() = std::move(input.client);
  ASSIGN_OR_RETURN(const auto reply, parts.service.CreateClient(request.context, call));
  if (reply.has_refused()) return OAuthErrorReply(reply.refused());
  for (const char* name : {"redirect_uris", "grant_types", "response_types"}) {
    if (!input.given.contains(name)) input.nulls.insert(name);
  }
  return OkReply(ClientJson(reply.created(), input.nulls),
                 reply.created().enable_refresh_token_rotation());
}

// GET /recipe/oauth/clients?clientId
absl::StatusOr<Reply> GetClient(ApiRequest& request, Clients& parts) {
  oauth::v1::GetClientRequest call;
  ASSIGN_OR_RETURN(*call.mutable_client_id(), request.RequireQuery("clientId"));
  RETURN_IF_ERROR(RequireAppThenPublicTenant(parts.tenants, request));
  if (call.client_id().empty()) return StatusReply("CLIENT_NOT_FOUND_ERROR");
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(auto reply, parts.service.GetClient(request.context, call));
  // SDKs ask for the client of a Basic header without unescaping it.
  if (const std::string id = UnescapeClientId(call.client_id());
      !reply.has_client() && id != call.client_id()) {
    call.set_client_id(id);
    ASSIGN_OR_RETURN(reply, parts.service.GetClient(request.context, call));
  }
  if (!reply.has_client()) return OAuthErrorReply("Unable to locate the resource", "", 404);
  return OkReply(ClientJson(reply.client()), reply.client().enable_refresh_token_rotation());
}

// PUT /recipe/oauth/clients {clientId, ...}: what is not in the body stays.
absl::StatusOr<Reply> UpdateClient(ApiRequest& request, Clients& parts) {
  ASSIGN_OR_RETURN(const Value* body, request.JsonBody());
  ASSIGN_OR_RETURN(const std::string client_id, RequireString(*body, "clientId"));
  RETURN_IF_ERROR(RequireAppThenPublicTenant(parts.tenants, request));
  oauth::v1::GetClientRequest look;
  *look.mutable_scope() = request.scope;
  look.set_client_id(client_id);
  // An unknown client comes before a wrong value.
  ASSIGN_OR_RETURN(const auto found, parts.service.GetClient(request.context, look));
  if (!found.has_client()) return StatusReply("CLIENT_NOT_FOUND_ERROR");
  RETURN_IF_ERROR(OptionalString(*body, "clientSecret").status());
  ASSIGN_OR_RETURN(const std::optional<bool> rotation,
                   OptionalBool(*body, "enableRefreshTokenRotation"));
  ClientInput input;
  if (auto wrong = ReadClient(*body, input)) return UndecodableReply(*wrong);
  oauth::v1::UpdateClientRequest call;
  *call.mutable_scope() = request.scope;
  for (const std::string& name : input.given) {
    if (name == "client_id" || name == "updated_at") continue;
    // An empty secret is none: the stored one stays.
    if (name == "client_secret" && input.client.client_secret().empty()) continue;
    call.mutable_update_mask()->add_paths(name);
  }
  if (rotation.has_value()) {
    input.client.set_enable_refresh_token_rotation(*rotation);
    call.mutable_update_mask()->add_paths("enable_refresh_token_rotation");
  }
  *call.mutable_client() = std::move(input.client);
  call.mutable_client()->set_client_id(client_id);
  ASSIGN_OR_RETURN(const auto reply, parts.service.UpdateClient(request.context, call));
  if (reply.not_found()) return StatusReply("CLIENT_NOT_FOUND_ERROR");
  if (reply.has_refused()) return OAuthErrorReply(reply.refused());
  Value client = ClientJson(reply.updated(), input.nulls);
  if (!reply.updated().has_client_secret()) client.Set("clientSecret", nullptr);
  return OkReply(std::move(client), reply.updated().enable_refresh_token_rotation());
}

// Garbage is the default, and everything below one is one.
int32_t PageSize(const ApiRequest& request) {
  auto text = request.Query("pageSize");
  if (!text.has_value()) text = request.Query("page_size");
  if (!text.has_value()) return 0;
  int32_t size = 0;
  const auto parsed = std::from_chars(text->data(), text->data() + text->size(), size);
  if (parsed.ec != std::errc() || parsed.ptr != text->data() + text->size()) return 0;
  return std::max(size, 1);
}

std::string QueryInEitherCase(const ApiRequest& request, std::string_view name) {
  auto text = request.Query(name);
  if (!text.has_value()) text = request.Query(CamelToSnake(name));
  return std::string(text.value_or(""));
}

// GET /recipe/oauth/clients/list
absl::StatusOr<Reply> ListClients(ApiRequest& request, Clients& parts) {
  RETURN_IF_ERROR(RequireAppThenPublicTenant(parts.tenants, request));
  oauth::v1::ListClientsRequest call;
  *call.mutable_scope() = request.scope;
  call.set_page_size(PageSize(request));
  call.set_page_token(QueryInEitherCase(request, "pageToken"));
  call.set_client_name(QueryInEitherCase(request, "clientName"));
  ASSIGN_OR_RETURN(const auto reply, parts.service.ListClients(request.context, call));
  const std::string owner =
      StrCat(request.scope.connection_uri_domain(), "_", request.scope.app_id());
  Value clients = Value::Array();
  for (const auto& client : reply.clients()) clients.Append(ListedClientJson(client, owner));
  Value answer = Value::Object({{"clients", std::move(clients)}});
  if (!reply.next_page_token().empty()) {
    answer.Set("nextPaginationToken", reply.next_page_token());
  }
  answer.Set("status", "OK");
  return JsonReply(answer);
}

// POST /recipe/oauth/clients/remove {clientId}
absl::StatusOr<Reply> RemoveClient(ApiRequest& request, Clients& parts) {
  oauth::v1::DeleteClientRequest call;
  ASSIGN_OR_RETURN(const Value* body, request.JsonBody());
  ASSIGN_OR_RETURN(*call.mutable_client_id(), RequireString(*body, "clientId"));
  RETURN_IF_ERROR(RequireAppThenPublicTenant(parts.tenants, request));
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const auto reply, parts.service.DeleteClient(request.context, call));
  return JsonReply(Value::Object({{"status", "OK"}, {"didExist", reply.existed()}}));
}

}  // namespace

void AddOAuthClientRoutes(RouteTable& routes, rpc::Channel& channel,
                          const tenancy::TenantDirectory& tenants) {
  const RouteGroup group(
      routes, "oauth",
      std::make_shared<Clients>(Clients{oauth::v1::OAuthClientServiceClient(channel), tenants}));
  group.Add(HttpMethod::kPost, "/recipe/oauth/clients", CreateClient);
  group.Add(HttpMethod::kGet, "/recipe/oauth/clients", GetClient);
  group.Add(HttpMethod::kPut, "/recipe/oauth/clients", UpdateClient);
  group.Add(HttpMethod::kGet, "/recipe/oauth/clients/list", ListClients);
  group.Add(HttpMethod::kPost, "/recipe/oauth/clients/remove", RemoveClient);
}

}  // namespace gatehouse::gateway
