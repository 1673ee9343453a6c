#include "services/thirdparty/thirdparty_service.h"

#include <utility>
#include <vector>

#include "libs/base/contact_info.h"
#include "libs/base/status.h"
#include "libs/tenancy/ask_databases.h"

namespace gatehouse::thirdparty {
namespace {

using tenancy::TenantPtr;

constexpr char kRecipeId[] = "thirdparty";

}  // namespace

absl::StatusOr<v1::SignInOrUpResponse> ThirdPartyServiceImpl::SignInOrUp(
    rpc::CallContext& context, const v1::SignInOrUpRequest& request) {
  ASSIGN_OR_RETURN(TenantPtr tenant, directory_.Find(request.scope(), context.deadline));
  RETURN_IF_ERROR(CheckThirdPartyGate(*tenant, request.gate()));
  auto response = sign_in_.SignInOrUp(tenant, context, request);
  if (!response.ok()) cut_off_();
  return response;
}

absl::StatusOr<v1::GetUserByIdResponse> ThirdPartyServiceImpl::GetUserById(
    rpc::CallContext& context, const v1::GetUserByIdRequest& request) {
  users::v1::GetUserRequest call;
  *call.mutable_scope() = request.scope();
  call.set_user_id(request.user_id());
  call.set_recipe_id(kRecipeId);
  ASSIGN_OR_RETURN(users::v1::GetUserResponse found, users_.GetUser(context, call));
  v1::GetUserByIdResponse response;
  if (found.has_user()) *response.mutable_user() = std::move(*found.mutable_user());
  return response;
}

absl::StatusOr<v1::GetUserByIdentityResponse> ThirdPartyServiceImpl::GetUserByIdentity(
    rpc::CallContext& context, const v1::GetUserByIdentityRequest& request) {
  users::v1::FindUsersRequest call;
  *call.mutable_scope() = request.scope();
  call.mutable_third_party()->set_id(request.third_party_id());
  call.mutable_third_party()->set_user_id(request.third_party_user_id());
  ASSIGN_OR_RETURN(users::v1::FindUsersResponse found, users_.FindUsers(context, call));
  v1::GetUserByIdentityResponse response;
  if (found.users_size() > 0) *response.mutable_user() = std::move(*found.mutable_users(0));
  return response;
}

absl::StatusOr<v1::ListUsersByEmailResponse> ThirdPartyServiceImpl::ListUsersByEmail(
    rpc::CallContext& context, const v1::ListUsersByEmailRequest& request) {
  const std::string email = NormaliseEmail(request.email());
  users::v1::FindUsersRequest call;
  *call.mutable_scope() = request.scope();
  call.set_email(email);
  ASSIGN_OR_RETURN(const users::v1::FindUsersResponse found, users_.FindUsers(context, call));
  v1::ListUsersByEmailResponse response;
  for (const users::v1::User& user : found.users()) {
    for (const users::v1::LoginMethod& method : user.login_methods()) {
      if (method.recipe_id() == kRecipeId && method.email() == email) *response.add_users() = user;
    }
  }
  return response;
}

absl::StatusOr<common::v1::RemoveCredentialsResponse> ThirdPartyServiceImpl::RemoveCredentials(
    rpc::CallContext& context, const common::v1::RemoveCredentialsRequest& request) {
  ASSIGN_OR_RETURN(const std::vector<TenantPtr> databases,
                   tenancy::DatabasesOfUser(directory_, request.scope(), request.home_tenant_id(),
                                            context.deadline));
  for (const TenantPtr& tenant : databases) {
    RETURN_IF_ERROR(store_.RemoveUser({tenant, context.deadline}, request.supertokens_user_id()));
  }
  return common::v1::RemoveCredentialsResponse();
}

absl::StatusOr<common::v1::ImportCredentialsResponse> ThirdPartyServiceImpl::ImportCredentials(
    rpc::CallContext& context, const common::v1::ImportCredentialsRequest& request) {
  ASSIGN_OR_RETURN(TenantPtr tenant, directory_.Find(request.scope(), context.deadline));
  std::vector<ThirdPartyUser> users;
  for (const common::v1::ImportedCredentials& one : request.credentials()) {
    users.push_back({.user_id = one.supertokens_user_id(),
                     .third_party_id = one.third_party_id(),
                     .third_party_user_id = one.third_party_user_id(),
                     .email = one.email(),
                     .time_joined_ms = one.time_joined_ms()});
  }
  RETURN_IF_ERROR(store_.ImportUsers({tenant, context.deadline}, users));
  return common::v1::ImportCredentialsResponse();
}

}  // namespace gatehouse::thirdparty
