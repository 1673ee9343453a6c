#include "services/oauth/oauth_client_service.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "google/protobuf/util/field_mask_util.h"
#include "google/protobuf/util/time_util.h"
#include "libs/base/json.h"
#include "libs/base/problem.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/crypto/bytes.h"
#include "services/oauth/client_rules.h"
#include "services/oauth/client_secrets.h"
#include "services/oauth/oauth_errors.h"

namespace gatehouse::oauth {
namespace {

using google::protobuf::util::TimeUtil;

constexpr int kDefaultPageSize = 250;
constexpr int kMaxPageSize = 1000;
constexpr int64_t kMaxOffset = 1'000'000'000;

void SetUpdated(v1::Client& client, absl::Time now) {
  *client.mutable_updated_at() = TimeUtil::MicrosecondsToTimestamp(absl::ToUnixMicros(now));
}

// Of the form that the original's server gives out: {"offset":"2","v":2}.
std::string PageToken(int64_t offset) {
  return crypto::Base64UrlEncode(
      json::Serialize(json::Value::Object({{"offset", std::to_string(offset)}, {"v", 2}})));
}

int64_t OffsetOf(std::string_view page_token) {
  const absl::StatusOr<std::string> text = crypto::Base64Decode(page_token);
  if (!text.ok()) return 0;
  const absl::StatusOr<json::Value> token = json::Parse(*text);
  if (!token.ok()) return 0;
  const std::string_view digits = token->FindString("offset").value_or("");
  int64_t offset = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), offset);
  return parsed.ec == std::errc() ? std::clamp<int64_t>(offset, 0, kMaxOffset) : 0;
}

// Replaces the fields of the mask, also by nothing.
absl::Status ApplyMask(const v1::UpdateClientRequest& request, v1::Client& client) {
  const google::protobuf::Descriptor& fields = *v1::Client::descriptor();
  for (const std::string& path : request.update_mask().paths()) {
    const google::protobuf::FieldDescriptor* field = fields.FindFieldByName(path);
    if (field == nullptr || path == "client_id" || path == "updated_at") {
      return BadInput(Problem::kUnsupported, "update_mask names a field that can't be changed",
                      {{"field", "update_mask"}});
    }
    client.GetReflection()->ClearField(&client, field);
  }
  google::protobuf::util::FieldMaskUtil::MergeMessageTo(request.client(), request.update_mask(), {},
                                                        &client);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::CreateClientResponse> OAuthClientServiceImpl::CreateClient(
    rpc::CallContext& context, const v1::CreateClientRequest& request) {
  ASSIGN_OR_RETURN(tenancy::TenantPtr app, directory_.FindApp(request.scope(), context.deadline));
  v1::CreateClientResponse response;
  v1::Client client = request.client();
  if (auto refused = PrepareClient(client)) {
    *response.mutable_refused() = *std::move(refused);
    return response;
  }
  if (client.client_id().empty()) client.set_client_id(StrCat("stcl_", crypto::NewUuid4()));
  if (IsPublic(client)) {
    client.clear_client_secret();
  } else if (client.client_secret().empty()) {
    client.set_client_secret(NewClientSecret());
  }
  const absl::Time now = absl::Now();
  *client.mutable_created_at() = TimeUtil::SecondsToTimestamp(absl::ToUnixSeconds(now));
  SetUpdated(client, now);
  ASSIGN_OR_RETURN(const bool created, store_.Create({app, context.deadline}, client));
  if (created) {
    *response.mutable_created() = std::move(client);
  } else {
    *response.mutable_refused() = ClientExists();
  }
  return response;
}

absl::StatusOr<v1::GetClientResponse> OAuthClientServiceImpl::GetClient(
    rpc::CallContext& context, const v1::GetClientRequest& request) {
  ASSIGN_OR_RETURN(tenancy::TenantPtr app, directory_.FindApp(request.scope(), context.deadline));
  ASSIGN_OR_RETURN(std::optional<v1::Client> client,
                   store_.Find({app, context.deadline}, request.client_id()));
  v1::GetClientResponse response;
  if (client.has_value()) *response.mutable_client() = *std::move(client);
  return response;
}

absl::StatusOr<v1::UpdateClientResponse> OAuthClientServiceImpl::UpdateClient(
    rpc::CallContext& context, const v1::UpdateClientRequest& request) {
  ASSIGN_OR_RETURN(tenancy::TenantPtr app, directory_.FindApp(request.scope(), context.deadline));
  v1::UpdateClientResponse response;
  ASSIGN_OR_RETURN(const bool existed,
                   store_.Update({app, context.deadline}, request.client().client_id(),
                                 [&](v1::Client& client) -> absl::StatusOr<bool> {
                                   response.Clear();
                                   RETURN_IF_ERROR(ApplyMask(request, client));
                                   if (auto refused = PrepareClient(client)) {
                                     *response.mutable_refused() = *std::move(refused);
                                     return false;
                                   }
                                   if (!IsPublic(client) && client.client_secret().empty()) {
                                     client.set_client_secret(NewClientSecret());
                                   }
                                   SetUpdated(client, absl::Now());
                                   *response.mutable_updated() = client;
                                   return true;
                                 }));
  if (!existed) response.set_not_found(true);
  return response;
}

absl::StatusOr<v1::ListClientsResponse> OAuthClientServiceImpl::ListClients(
    rpc::CallContext& context, const v1::ListClientsRequest& request) {
  ASSIGN_OR_RETURN(tenancy::TenantPtr app, directory_.FindApp(request.scope(), context.deadline));
  const int64_t size = request.page_size() == 0 ? kDefaultPageSize
                                                : std::clamp(request.page_size(), 1, kMaxPageSize);
  const int64_t offset = OffsetOf(request.page_token());
  // One more tells whether another page follows.
  ASSIGN_OR_RETURN(std::vector<v1::Client> clients,
                   store_.List({app, context.deadline}, request.client_name(), offset, size + 1));
  v1::ListClientsResponse response;
  if (static_cast<int64_t>(clients.size()) > size) {
    clients.pop_back();
    response.set_next_page_token(PageToken(offset + size));
  }
  for (v1::Client& client : clients) *response.add_clients() = std::move(client);
  return response;
}

absl::StatusOr<v1::DeleteClientResponse> OAuthClientServiceImpl::DeleteClient(
    rpc::CallContext& context, const v1::DeleteClientRequest& request) {
  ASSIGN_OR_RETURN(tenancy::TenantPtr app, directory_.FindApp(request.scope(), context.deadline));
  ASSIGN_OR_RETURN(const bool existed, store_.Delete({app, context.deadline}, request.client_id()));
  v1::DeleteClientResponse response;
  response.set_existed(existed);
  return response;
}

}  // namespace gatehouse::oauth
