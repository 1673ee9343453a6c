#include "gateway/routes/passwordless_user_routes.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "gatehouse/users/v1/user_directory_service.rpc.h"
#include "gateway/routes/app_scope.h"
#include "gateway/routes/user_json.h"
#include "libs/base/contact_info.h"
#include "libs/base/status.h"

namespace gatehouse::gateway {
namespace {

namespace v1 = users::v1;

constexpr const char* kRecipe = "passwordless";

absl::StatusOr<Reply> GetById(v1::UserDirectoryServiceClient& directory, ApiRequest& request,
                              std::string_view id) {
  RETURN_IF_ERROR(RequirePublicTenantOfApp(directory, request));
  v1::GetUserRequest call;
  *call.mutable_scope() = request.scope;
  call.set_user_id(std::string(id));
  call.set_recipe_id(kRecipe);
  ASSIGN_OR_RETURN(const v1::GetUserResponse response, directory.GetUser(request.context, call));
  if (!response.has_user()) return StatusReply("UNKNOWN_USER_ID_ERROR");
  return JsonReply(UserReply(response.user(), "", request.cdi));
}

// The user of the tenant that signs in with the contact information of `call`; another recipe's
// login method with the same email is not it.
absl::StatusOr<Reply> GetByContact(v1::UserDirectoryServiceClient& directory, ApiRequest& request,
                                   v1::FindUsersRequest call, const char* unknown_status) {
  *call.mutable_scope() = request.scope;
  const absl::StatusOr<v1::FindUsersResponse> response = directory.FindUsers(request.context, call);
  if (!response.ok()) {
    // An unknown app is told before an unknown tenant.
    RETURN_IF_ERROR(CheckAppExists(directory, request));
    return response.status();
  }
  for (const v1::User& user : response->users()) {
    for (const v1::LoginMethod& method : user.login_methods()) {
      if (method.recipe_id() != kRecipe) continue;
      const bool same = call.has_email() ? method.has_email() && method.email() == call.email()
                                         : method.has_phone_number() &&
                                               method.phone_number() == call.phone_number();
      if (same) return JsonReply(UserReply(user, "", request.cdi));
    }
  }
  return StatusReply(unknown_status);
}

// By id app-wide, by email or phone number in the tenant.
absl::StatusOr<Reply> GetUser(v1::UserDirectoryServiceClient& directory, ApiRequest& request) {
  const std::optional<std::string_view> id = request.Query("userId");
  const std::optional<std::string_view> email = request.Query("email");
  const std::optional<std::string_view> phone = request.Query("phoneNumber");
  if (id.has_value() + email.has_value() + phone.has_value() != 1) {
    return BadInput("Please provide exactly one of userId, email or phoneNumber");
  }
  if (id.has_value()) return GetById(directory, request, *id);
  v1::FindUsersRequest call;
  if (email.has_value()) {
    call.set_email(NormaliseEmail(*email));
    return GetByContact(directory, request, std::move(call), "UNKNOWN_EMAIL_ERROR");
  }
  call.set_phone_number(NormalisePhoneNumber(*phone));
  return GetByContact(directory, request, std::move(call), "UNKNOWN_PHONE_NUMBER_ERROR");
}

}  // namespace

void AddPasswordlessUserRoutes(rpc::Channel& users, RecipeUserHandlers& handlers) {
  const auto directory = std::make_shared<v1::UserDirectoryServiceClient>(users);
  handlers[{kRecipe, HttpMethod::kGet}] = [directory](ApiRequest& request) {
    return GetUser(*directory, request);
  };
}

}  // namespace gatehouse::gateway
