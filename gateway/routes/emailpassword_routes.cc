#include "gateway/routes/emailpassword_routes.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/ascii.h"
#include "gatehouse/users/v1/emailpassword_service.rpc.h"
#include "gatehouse/users/v1/user_directory_service.rpc.h"
#include "gateway/api/lent_scope.h"
#include "gateway/api/route_group.h"
#include "gateway/json_input.h"
#include "gateway/routes/app_checks.h"
#include "gateway/routes/user_json.h"
#include "libs/base/contact_info.h"
#include "libs/base/status.h"

namespace gatehouse::gateway {
namespace {

namespace v1 = users::v1;

struct Clients {
  v1::EmailPasswordServiceClient emailpassword;
  v1::UserDirectoryServiceClient directory;
  const tenancy::TenantDirectory& tenants;
};

// POST /recipe/signup.
absl::StatusOr<Reply> SignUp(ApiRequest& request, Clients& clients) {
  ASSIGN_OR_RETURN(const json::Value* body, request.JsonBody());
  v1::SignUpRequest call;
  ASSIGN_OR_RETURN(*call.mutable_email(), RequireString(*body, "email"));
  ASSIGN_OR_RETURN(*call.mutable_password(), RequireString(*body, "password"));
  if (call.password().empty()) return BadInput("Password cannot be an empty string");
  const LentScope lent(request, call);
  call.set_gate(RecipeGateOf(request.cdi));
  ASSIGN_OR_RETURN(const v1::SignUpResponse response,
                   clients.emailpassword.SignUp(request.context, call));
  if (!response.has_signed_up()) return StatusReply("EMAIL_ALREADY_EXISTS_ERROR");
  return UserReply(response.signed_up().user(), response.signed_up().recipe_user_id(),
                   request.cdi);
}

// POST /recipe/signin.
absl::StatusOr<Reply> SignIn(ApiRequest& request, Clients& clients) {
  ASSIGN_OR_RETURN(const json::Value* body, request.JsonBody());
  v1::SignInRequest call;
  ASSIGN_OR_RETURN(*call.mutable_email(), RequireString(*body, "email"));
  ASSIGN_OR_RETURN(*call.mutable_password(), RequireString(*body, "password"));
  const LentScope lent(request, call);
  call.set_gate(RecipeGateOf(request.cdi));
  ASSIGN_OR_RETURN(const v1::SignInResponse response,
                   clients.emailpassword.SignIn(request.context, call));
  if (!response.has_signed_in()) return StatusReply("WRONG_CREDENTIALS_ERROR");
  return UserReply(response.signed_in().user(), response.signed_in().recipe_user_id(),
                   request.cdi);
}

absl::StatusOr<std::optional<v1::User>> FindByEmail(ApiRequest& request, Clients& clients,
                                                    std::string_view email) {
  v1::FindUsersRequest call;
  *call.mutable_scope() = request.scope;
  call.set_email(NormaliseEmail(email));
  ASSIGN_OR_RETURN(v1::FindUsersResponse response,
                   clients.directory.FindUsers(request.context, call));
  for (v1::User& user : *response.mutable_users()) {
    for (const v1::LoginMethod& method : user.login_methods()) {
      if (method.recipe_id() == "emailpassword" && method.email() == call.email()) {
        return std::move(user);
      }
    }
  }
  return std::nullopt;
}

absl::StatusOr<std::optional<v1::User>> FindById(ApiRequest& request, Clients& clients,
                                                 std::string_view id, std::string_view recipe_id) {
  v1::GetUserRequest call;
  *call.mutable_scope() = request.scope;
  call.set_user_id(std::string(id));
  call.set_recipe_id(std::string(recipe_id));
  ASSIGN_OR_RETURN(v1::GetUserResponse response, clients.directory.GetUser(request.context, call));
  if (!response.has_user()) return std::nullopt;
  return std::move(*response.mutable_user());
}

// GET /recipe/user: by id app-wide, by email in the tenant.
absl::StatusOr<Reply> GetUser(ApiRequest& request, Clients& clients) {
  const std::optional<std::string_view> id = request.Query("userId");
  const std::optional<std::string_view> email = request.Query("email");
  if (id.has_value() && email.has_value()) {
    return BadInput("Please provide only one of userId or email");
  }
  if (!id.has_value() && !email.has_value()) {
    return BadInput("Please provide one of userId or email");
  }
  std::optional<v1::User> user;
  if (id.has_value()) {
    RETURN_IF_ERROR(RequireAppThenPublicTenant(clients.tenants, request));
    ASSIGN_OR_RETURN(user, FindById(request, clients, *id, "emailpassword"));
  } else {
    absl::StatusOr<std::optional<v1::User>> found = FindByEmail(request, clients, *email);
    if (!found.ok()) {
      RETURN_IF_ERROR(clients.tenants.FindApp(request.scope, request.context.deadline).status());
      return found.status();
    }
    user = *std::move(found);
  }
  if (!user.has_value()) {
    return StatusReply(id.has_value() ? "UNKNOWN_USER_ID_ERROR" : "UNKNOWN_EMAIL_ERROR");
  }
  return UserReply(*user, "", request.cdi);
}

// PUT /recipe/user.
absl::StatusOr<Reply> UpdateUser(ApiRequest& request, Clients& clients) {
  ASSIGN_OR_RETURN(const json::Value* body, request.JsonBody());
  v1::UpdateEmailOrPasswordRequest call;
  ASSIGN_OR_RETURN(
      *call.mutable_recipe_user_id(),
      RequireString(*body, request.cdi >= cdi::k4_0 ? "recipeUserId" : "userId"));
  ASSIGN_OR_RETURN(std::optional<std::string> email, OptionalString(*body, "email"));
  ASSIGN_OR_RETURN(std::optional<std::string> password, OptionalString(*body, "password"));
  if (!email.has_value() && !password.has_value()) {
    return BadInput("You have to provide either email or password.");
  }
  RETURN_IF_ERROR(RequireAppThenPublicTenant(clients.tenants, request));
  *call.mutable_scope() = request.scope;
  if (email.has_value()) call.set_email(*std::move(email));
  if (password.has_value()) call.set_password(*std::move(password));
  ASSIGN_OR_RETURN(const v1::UpdateEmailOrPasswordResponse response,
                   clients.emailpassword.UpdateEmailOrPassword(request.context, call));
  switch (response.outcome_case()) {
    case v1::UpdateEmailOrPasswordResponse::kUpdated:
      return StatusReply("OK");
    case v1::UpdateEmailOrPasswordResponse::kEmailAlreadyExists:
      return StatusReply("EMAIL_ALREADY_EXISTS_ERROR");
    case v1::UpdateEmailOrPasswordResponse::kEmailChangeNotAllowedReason:
      return JsonReply(
          json::Value::Object({{"status", "EMAIL_CHANGE_NOT_ALLOWED_ERROR"},
                               {"reason", response.email_change_not_allowed_reason()}}));
    default:
      return StatusReply("UNKNOWN_USER_ID_ERROR");
  }
}

// POST /recipe/user/password/reset/token. From 4.0 `email` is required, but other errors are
// reported before a missing email.
absl::StatusOr<Reply> CreateResetToken(ApiRequest& request, Clients& clients) {
  ASSIGN_OR_RETURN(const json::Value* body, request.JsonBody());
  v1::CreatePasswordResetTokenRequest call;
  ASSIGN_OR_RETURN(*call.mutable_user_id(), RequireString(*body, "userId"));
  absl::Status missing_email;
  if (request.cdi >= cdi::k4_0) {
    absl::StatusOr<std::string> email = RequireString(*body, "email");
    missing_email = email.status();
    call.set_only_find_user(!email.ok());
    if (email.ok()) call.set_email(*std::move(email));
  }
  *call.mutable_scope() = request.scope;
  call.set_gate(RecipeGateOf(request.cdi));
  ASSIGN_OR_RETURN(const v1::CreatePasswordResetTokenResponse response,
                   clients.emailpassword.CreatePasswordResetToken(request.context, call));
  if (!missing_email.ok() &&
      response.outcome_case() != v1::CreatePasswordResetTokenResponse::kUnknownUserId) {
    return missing_email;
  }
  if (response.outcome_case() != v1::CreatePasswordResetTokenResponse::kToken) {
    return StatusReply("UNKNOWN_USER_ID_ERROR");
  }
  return JsonReply(json::Value::Object({{"status", "OK"}, {"token", response.token()}}));
}

// POST /recipe/user/password/reset. The reply has the user's id from 2.12.
absl::StatusOr<Reply> ResetPassword(ApiRequest& request, Clients& clients) {
  ASSIGN_OR_RETURN(const json::Value* body, request.JsonBody());
  v1::ResetPasswordRequest call;
  ASSIGN_OR_RETURN(const std::string method, RequireString(*body, "method"));
  ASSIGN_OR_RETURN(*call.mutable_token(), RequireString(*body, "token"));
  ASSIGN_OR_RETURN(*call.mutable_new_password(), RequireString(*body, "newPassword"));
  if (method != "token") return BadInput("Unsupported method for password reset");
  if (call.new_password().empty()) return BadInput("Password cannot be an empty string");
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const v1::ResetPasswordResponse response,
                   clients.emailpassword.ResetPassword(request.context, call));
  if (response.outcome_case() != v1::ResetPasswordResponse::kUserId) {
    return StatusReply("RESET_PASSWORD_INVALID_TOKEN_ERROR");
  }
  json::Value reply = json::Value::Object({{"status", "OK"}});
  if (request.cdi >= cdi::k2_12) reply.Set("userId", response.user_id());
  return JsonReply(reply);
}

// POST /recipe/user/password/reset/token/consume.
absl::StatusOr<Reply> ConsumeResetToken(ApiRequest& request, Clients& clients) {
  ASSIGN_OR_RETURN(const json::Value* body, request.JsonBody());
  v1::ConsumePasswordResetTokenRequest call;
  ASSIGN_OR_RETURN(*call.mutable_token(), RequireString(*body, "token"));
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const v1::ConsumePasswordResetTokenResponse response,
                   clients.emailpassword.ConsumePasswordResetToken(request.context, call));
  if (!response.has_consumed()) return StatusReply("RESET_PASSWORD_INVALID_TOKEN_ERROR");
  return JsonReply(json::Value::Object({{"status", "OK"},
                                        {"userId", response.consumed().user_id()},
                                        {"email", response.consumed().email()}}));
}

absl::StatusOr<v1::ImportPasswordHashRequest::Algorithm> ReadAlgorithm(const json::Value& body) {
  using Request = v1::ImportPasswordHashRequest;
  ASSIGN_OR_RETURN(const std::optional<std::string> text, OptionalString(body, "hashingAlgorithm"));
  if (!text.has_value()) return Request::ALGORITHM_UNSPECIFIED;
  std::string name(JavaTrim(*text));
  absl::AsciiStrToUpper(&name);
  if (name.empty()) return BadInput("Hashing Algorithm cannot be an empty string");
  if (name == "ARGON2") return Request::ALGORITHM_ARGON2;
  if (name == "BCRYPT") return Request::ALGORITHM_BCRYPT;
  if (name == "FIREBASE_SCRYPT") return Request::ALGORITHM_FIREBASE_SCRYPT;
  return BadInput("Unsupported password hashing algorithm");
}

// POST /recipe/user/passwordhash/import.
absl::StatusOr<Reply> ImportHash(ApiRequest& request, Clients& clients) {
  ASSIGN_OR_RETURN(const json::Value* body, request.JsonBody());
  v1::ImportPasswordHashRequest call;
  ASSIGN_OR_RETURN(*call.mutable_email(), RequireString(*body, "email"));
  ASSIGN_OR_RETURN(const std::string hash, RequireString(*body, "passwordHash"));
  RETURN_IF_ERROR(OptionalString(*body, "hashingAlgorithm").status());
  call.set_password_hash(std::string(JavaTrim(hash)));
  if (call.password_hash().empty()) return BadInput("Password hash cannot be an empty string");
  ASSIGN_OR_RETURN(const auto algorithm, ReadAlgorithm(*body));
  call.set_algorithm(algorithm);
  *call.mutable_scope() = request.scope;
  call.set_gate(RecipeGateOf(request.cdi));
  ASSIGN_OR_RETURN(const v1::ImportPasswordHashResponse response,
                   clients.emailpassword.ImportPasswordHash(request.context, call));
  return ObjectReply([&](json::ObjectWriter& reply) {
    AddUserReply(response.user(), "", request.cdi, reply);
    reply.Add("didUserAlreadyExist", response.did_user_already_exist());
  });
}

}  // namespace

void AddEmailPasswordRoutes(RouteTable& routes, rpc::Channel& users,
                            const tenancy::TenantDirectory& tenants,
                            RecipeUserHandlers& recipe_user) {
  // Hashing has its own workers: look-ups of users must not wait for it.
  const RouteGroup group(
      routes, "users/passwords",
      std::make_shared<Clients>(Clients{v1::EmailPasswordServiceClient(users),
                                        v1::UserDirectoryServiceClient(users), tenants}));
  group.Add(HttpMethod::kPost, "/recipe/signup", SignUp);
  group.Add(HttpMethod::kPost, "/recipe/signin", SignIn);
  group.Add(HttpMethod::kPost, "/recipe/user/password/reset/token", CreateResetToken);
  group.Add(HttpMethod::kPost, "/recipe/user/password/reset", ResetPassword);
  group.Add(HttpMethod::kPost, "/recipe/user/password/reset/token/consume", ConsumeResetToken);
  group.Add(HttpMethod::kPost, "/recipe/user/passwordhash/import", ImportHash);
  recipe_user.Add("emailpassword", HttpMethod::kGet, group.Bind(GetUser));
  recipe_user.Add("emailpassword", HttpMethod::kPut, group.Bind(UpdateUser));
}

}  // namespace gatehouse::gateway
