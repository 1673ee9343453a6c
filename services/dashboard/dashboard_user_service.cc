#include "services/dashboard/dashboard_user_service.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "libs/base/contact_info.h"
#include "libs/base/problem.h"
#include "libs/base/status.h"
#include "libs/base/utf8.h"
#include "services/dashboard/credential_rules.h"

namespace gatehouse::dashboard {
namespace {

constexpr size_t kMaxEmail = 256;  // dashboard_users.email
// Far beyond any password that the rules let in; a bound on what a sign-in hashes.
constexpr size_t kMaxPasswordBytes = 64 * 1024;

v1::User Encode(const User& user) {
  v1::User encoded;
  encoded.set_user_id(user.user_id);
  encoded.set_email(user.email);
  encoded.set_time_joined_ms(user.time_joined_ms);
  return encoded;
}

// BAD_INPUT when the email does not fit in its column, which counts characters.
absl::Status CheckLength(std::string_view email) {
  if (CountCharacters(email) <= kMaxEmail) return absl::OkStatus();
  return BadInput(Problem::kTooLong, "email must not be longer than 256 characters",
                  {{"field", "email"}, {"max_characters", "256"}});
}

// What is wrong with those that are there, the email first. Null pointers are nothing.
std::optional<v1::CredentialsFault> FindFault(const std::string* email,
                                              const std::string* password) {
  v1::CredentialsFault fault;
  if (email != nullptr && !IsValidEmail(*email)) {
    fault.set_invalid_email(true);
    return fault;
  }
  if (password == nullptr) return std::nullopt;
  const std::optional<std::string_view> weakness = WeaknessOf(*password);
  if (!weakness.has_value()) return std::nullopt;
  fault.set_weak_password(std::string(*weakness));
  return fault;
}

// Of UpdateUserRequest and DeleteUserRequest.
template <typename Request>
absl::StatusOr<UserKey> KeyOf(const Request& request) {
  switch (request.who_case()) {
    case Request::kUserId:
      return UserKey{UserKey::By::kUserId, request.user_id()};
    case Request::kEmail:
      return UserKey{UserKey::By::kEmail, NormaliseEmail(request.email())};
    default:
      return BadInput(Problem::kMissing, "Either field 'email' or 'userId' must be present",
                      {{"field", "userId,email"}});
  }
}

}  // namespace

absl::StatusOr<v1::CreateUserResponse> DashboardUserServiceImpl::CreateUser(
    rpc::CallContext& context, const v1::CreateUserRequest& request) {
  const std::string email = NormaliseEmail(request.email());
  v1::CreateUserResponse response;
  if (const auto fault = FindFault(&email, request.has_password() ? &request.password() : nullptr)) {
    *response.mutable_fault() = *fault;
    return response;
  }
  if (request.validate_only()) return response;
  RETURN_IF_ERROR(CheckLength(email));
  if (!request.has_password()) {
    return BadInput(Problem::kMissing, "password is missing", {{"field", "password"}});
  }
  ASSIGN_OR_RETURN(tenancy::TenantPtr app, directory_.FindApp(request.scope(), context.deadline));
  ASSIGN_OR_RETURN(const std::optional<User> user,
                   rules_.Create({app, context.deadline}, email, request.password()));
  if (user.has_value()) {
    *response.mutable_created() = Encode(*user);
  } else {
    response.set_email_already_exists(true);
  }
  return response;
}

absl::StatusOr<v1::UpdateUserResponse> DashboardUserServiceImpl::UpdateUser(
    rpc::CallContext& context, const v1::UpdateUserRequest& request) {
  const std::string email = NormaliseEmail(request.new_email());
  const std::string* new_email = request.has_new_email() ? &email : nullptr;
  const std::string* new_password = request.has_new_password() ? &request.new_password() : nullptr;
  v1::UpdateUserResponse response;
  if (const auto fault = FindFault(new_email, new_password)) {
    *response.mutable_fault() = *fault;
    return response;
  }
  if (request.validate_only()) return response;
  RETURN_IF_ERROR(CheckLength(email));
  ASSIGN_OR_RETURN(const UserKey key, KeyOf(request));
  ASSIGN_OR_RETURN(tenancy::TenantPtr app, directory_.FindApp(request.scope(), context.deadline));
  ASSIGN_OR_RETURN(const PgDashboardStore::Updated updated,
                   rules_.Update({app, context.deadline}, key, new_email, new_password));
  switch (updated.outcome) {
    case StoreOutcome::kDone:
      *response.mutable_updated() = Encode(updated.user);
      break;
    case StoreOutcome::kEmailTaken:
      response.set_email_already_exists(true);
      break;
    case StoreOutcome::kUnknownUser:
      response.set_unknown_user(true);
      break;
  }
  return response;
}

absl::StatusOr<v1::DeleteUserResponse> DashboardUserServiceImpl::DeleteUser(
    rpc::CallContext& context, const v1::DeleteUserRequest& request) {
  ASSIGN_OR_RETURN(const UserKey key, KeyOf(request));
  ASSIGN_OR_RETURN(tenancy::TenantPtr app, directory_.FindApp(request.scope(), context.deadline));
  ASSIGN_OR_RETURN(const bool existed, store_.DeleteUser({app, context.deadline}, key));
  v1::DeleteUserResponse response;
  response.set_existed(existed);
  return response;
}

absl::StatusOr<v1::ListUsersResponse> DashboardUserServiceImpl::ListUsers(
    rpc::CallContext& context, const v1::ListUsersRequest& request) {
  ASSIGN_OR_RETURN(tenancy::TenantPtr app, directory_.FindApp(request.scope(), context.deadline));
  ASSIGN_OR_RETURN(const std::vector<User> users, store_.ListUsers({app, context.deadline}));
  v1::ListUsersResponse response;
  for (const User& user : users) *response.add_users() = Encode(user);
  return response;
}

absl::StatusOr<v1::SignInResponse> DashboardUserServiceImpl::SignIn(
    rpc::CallContext& context, const v1::SignInRequest& request) {
  if (request.password().size() > kMaxPasswordBytes) {
    return BadInput(Problem::kTooLong, "Password is too long",
                    {{"field", "password"}, {"max_bytes", std::to_string(kMaxPasswordBytes)}});
  }
  ASSIGN_OR_RETURN(tenancy::TenantPtr app, directory_.FindApp(request.scope(), context.deadline));
  ASSIGN_OR_RETURN(std::optional<std::string> session_id,
                   rules_.SignIn({app, context.deadline}, NormaliseEmail(request.email()),
                                 request.password()));
  v1::SignInResponse response;
  if (session_id.has_value()) response.set_session_id(*std::move(session_id));
  return response;
}

}  // namespace gatehouse::dashboard
