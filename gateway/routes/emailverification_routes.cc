#include "gateway/routes/emailverification_routes.h"

#include <memory>
#include <string>
#include <utility>

#include "gatehouse/users/v1/email_verification_service.rpc.h"
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
  v1::EmailVerificationServiceClient service;
  const tenancy::TenantDirectory& tenants;

  v1::EmailVerificationService* operator->() { return &service; }
};

// {userId, email}
template <typename Call>
absl::Status ReadUserAndEmail(ApiRequest& request, Call& call) {
  ASSIGN_OR_RETURN(const Value* body, request.JsonBody());
  ASSIGN_OR_RETURN(*call.mutable_user_id(), RequireString(*body, "userId"));
  ASSIGN_OR_RETURN(*call.mutable_email(), RequireString(*body, "email"));
  return absl::OkStatus();
}

// POST /recipe/user/email/verify/token
absl::StatusOr<Reply> CreateToken(ApiRequest& request, Client& client) {
  v1::CreateEmailVerificationTokenRequest call;
  RETURN_IF_ERROR(ReadUserAndEmail(request, call));
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const auto reply, client->CreateEmailVerificationToken(request.context, call));
  if (reply.already_verified()) return StatusReply("EMAIL_ALREADY_VERIFIED_ERROR");
  return JsonReply(Value::Object({{"status", "OK"}, {"token", reply.token()}}));
}

// POST /recipe/user/email/verify {method, token}
absl::StatusOr<Reply> Verify(ApiRequest& request, Client& client) {
  v1::VerifyEmailRequest call;
  ASSIGN_OR_RETURN(const Value* body, request.JsonBody());
  ASSIGN_OR_RETURN(const std::string method, RequireString(*body, "method"));
  ASSIGN_OR_RETURN(*call.mutable_token(), RequireString(*body, "token"));
  if (method != "token") return BadInput("Unsupported method for email verification");
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const auto reply, client->VerifyEmail(request.context, call));
  if (reply.invalid_token()) return StatusReply("EMAIL_VERIFICATION_INVALID_TOKEN_ERROR");
  return JsonReply(Value::Object({{"status", "OK"},
                                  {"userId", reply.verified().user_id()},
                                  {"email", reply.verified().email()}}));
}

// GET /recipe/user/email/verify?userId&email
absl::StatusOr<Reply> IsVerified(ApiRequest& request, Client& client) {
  v1::IsEmailVerifiedRequest call;
  ASSIGN_OR_RETURN(*call.mutable_user_id(), request.RequireQuery("userId"));
  ASSIGN_OR_RETURN(*call.mutable_email(), request.RequireQuery("email"));
  RETURN_IF_ERROR(RequireAppThenPublicTenant(client.tenants, request));
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const auto reply, client->IsEmailVerified(request.context, call));
  return JsonReply(Value::Object({{"status", "OK"}, {"isVerified", reply.verified()}}));
}

// POST /recipe/user/email/verify/token/remove
absl::StatusOr<Reply> RevokeTokens(ApiRequest& request, Client& client) {
  v1::RevokeEmailVerificationTokensRequest call;
  RETURN_IF_ERROR(ReadUserAndEmail(request, call));
  *call.mutable_scope() = request.scope;
  RETURN_IF_ERROR(client->RevokeEmailVerificationTokens(request.context, call).status());
  return StatusReply("OK");
}

// POST /recipe/user/email/verify/remove
absl::StatusOr<Reply> Unverify(ApiRequest& request, Client& client) {
  v1::UnverifyEmailRequest call;
  RETURN_IF_ERROR(ReadUserAndEmail(request, call));
  RETURN_IF_ERROR(RequireAppThenPublicTenant(client.tenants, request));
  *call.mutable_scope() = request.scope;
  RETURN_IF_ERROR(client->UnverifyEmail(request.context, call).status());
  return StatusReply("OK");
}

}  // namespace

void AddEmailVerificationRoutes(RouteTable& routes, rpc::Channel& users,
                                const tenancy::TenantDirectory& tenants) {
  const RouteGroup group(
      routes, "users",
      std::make_shared<Client>(Client{v1::EmailVerificationServiceClient(users), tenants}));
  group.Add(HttpMethod::kPost, "/recipe/user/email/verify/token", CreateToken);
  group.Add(HttpMethod::kPost, "/recipe/user/email/verify", Verify);
  group.Add(HttpMethod::kGet, "/recipe/user/email/verify", IsVerified);
  group.Add(HttpMethod::kPost, "/recipe/user/email/verify/token/remove", RevokeTokens);
  group.Add(HttpMethod::kPost, "/recipe/user/email/verify/remove", Unverify);
}

}  // namespace gatehouse::gateway
