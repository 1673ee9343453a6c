#include "services/users/metadata/metadata_service.h"

#include "libs/base/json.h"
#include "libs/base/problem.h"
#include "libs/base/status.h"
#include "services/users/metadata/metadata.h"
#include "services/users/registry/user_scope.h"

namespace gatehouse::users {
namespace {

// The original's.
constexpr int kMaxUsersAtOnce = 500;

}  // namespace

absl::StatusOr<Where> MetadataServiceImpl::ScopeOf(const common::v1::Scope& scope,
                                                   absl::Time deadline, std::string_view user_id) {
  ASSIGN_OR_RETURN(std::vector<Where> scopes, ScopesOfApp(directory_, scope, deadline));
  return ScopeOfUserData(users_, scopes, user_id);
}

absl::StatusOr<v1::GetMetadataResponse> MetadataServiceImpl::GetMetadata(
    rpc::CallContext& context, const v1::GetMetadataRequest& request) {
  ASSIGN_OR_RETURN(Where scope, ScopeOf(request.scope(), context.deadline, request.user_id()));
  ASSIGN_OR_RETURN(std::vector<std::optional<std::string>> found,
                   store_.Find(scope, {request.user_id()}));
  v1::GetMetadataResponse response;
  response.set_metadata_json(std::move(found.front()).value_or("{}"));
  return response;
}

absl::StatusOr<v1::ListMetadataResponse> MetadataServiceImpl::ListMetadata(
    rpc::CallContext& context, const v1::ListMetadataRequest& request) {
  if (request.user_ids_size() > kMaxUsersAtOnce) {
    return BadInput(Problem::kTooMany, "You can only query up to 500 users at a time.",
                    {{"field", "userIds"}, {"max", "500"}});
  }
  ASSIGN_OR_RETURN(std::vector<Where> scopes,
                   ScopesOfApp(directory_, request.scope(), context.deadline));
  v1::ListMetadataResponse response;
  if (request.user_ids().empty()) return response;
  // Only in the public tenant's database, as in the original.
  ASSIGN_OR_RETURN(
      std::vector<std::optional<std::string>> found,
      store_.Find(scopes.front(), {request.user_ids().begin(), request.user_ids().end()}));
  for (size_t i = 0; i < found.size(); ++i) {
    v1::UserMetadata& user = *response.add_users();
    user.set_user_id(request.user_ids(static_cast<int>(i)));
    if (found[i].has_value()) user.set_metadata_json(*std::move(found[i]));
  }
  return response;
}

absl::StatusOr<v1::UpdateMetadataResponse> MetadataServiceImpl::UpdateMetadata(
    rpc::CallContext& context, const v1::UpdateMetadataRequest& request) {
  absl::StatusOr<json::Value> update = json::Parse(request.update_json());
  if (!update.ok() || !update->is_object()) {
    return BadInput(Problem::kMalformed, "The update must be a JSON object",
                    {{"field", "metadataUpdate"}});
  }
  ASSIGN_OR_RETURN(Where scope, ScopeOf(request.scope(), context.deadline, request.user_id()));
  ASSIGN_OR_RETURN(std::string merged,
                   store_.Change(scope, request.user_id(), [&](std::string_view current) {
                     return MergeMetadata(current, *update);
                   }));
  v1::UpdateMetadataResponse response;
  response.set_metadata_json(std::move(merged));
  return response;
}

absl::StatusOr<v1::DeleteMetadataResponse> MetadataServiceImpl::DeleteMetadata(
    rpc::CallContext& context, const v1::DeleteMetadataRequest& request) {
  ASSIGN_OR_RETURN(Where scope, ScopeOf(request.scope(), context.deadline, request.user_id()));
  RETURN_IF_ERROR(store_.Delete(scope, request.user_id()));
  return v1::DeleteMetadataResponse();
}

}  // namespace gatehouse::users
