#include "gateway/routes/passwordless_routes.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "gatehouse/passwordless/v1/passwordless_service.rpc.h"
#include "gateway/api/route_group.h"
#include "gateway/json_input.h"
#include "gateway/routes/app_checks.h"
#include "gateway/routes/user_json.h"
#include "libs/base/status.h"

namespace gatehouse::gateway {
namespace {

namespace v1 = passwordless::v1;
using json::Value;

struct Clients {
  v1::PasswordlessServiceClient passwordless;
  const tenancy::TenantDirectory& tenants;
};

Value DeviceJson(const v1::Device& device) {
  Value json = Value::Object({{"preAuthSessionId", device.pre_auth_session_id()},
                              {"failedCodeInputAttemptCount", device.failed_attempts()}});
  if (device.contact().has_email()) json.Set("email", device.contact().email());
  if (device.contact().has_phone_number()) {
    json.Set("phoneNumber", device.contact().phone_number());
  }
  return json;
}

Reply WrongCodeReply(const v1::WrongCode& wrong) {
  return JsonReply(Value::Object({{"status", wrong.is_expired() ? "EXPIRED_USER_INPUT_CODE_ERROR"
                                                                : "INCORRECT_USER_INPUT_CODE_ERROR"},
                                  {"failedCodeInputAttemptCount", wrong.failed_attempts()},
                                  {"maximumCodeInputAttempts", wrong.max_attempts()}}));
}

// POST /recipe/signinup/code {email | phoneNumber | deviceId, userInputCode?}
absl::StatusOr<Reply> CreateCode(ApiRequest& request, Clients& clients) {
  ASSIGN_OR_RETURN(const Value* body, request.JsonBody());
  ASSIGN_OR_RETURN(const auto email, OptionalString(*body, "email"));
  ASSIGN_OR_RETURN(const auto phone_number, OptionalString(*body, "phoneNumber"));
  ASSIGN_OR_RETURN(const auto device_id, OptionalString(*body, "deviceId"));
  if (email.has_value() + phone_number.has_value() + device_id.has_value() != 1) {
    return BadInput("Please provide exactly one of email, phoneNumber or deviceId");
  }
  ASSIGN_OR_RETURN(const auto user_input_code, OptionalString(*body, "userInputCode"));
  if (user_input_code.has_value() && user_input_code->empty()) {
    return BadInput("userInputCode cannot be an empty string.");
  }
  v1::CreateCodeRequest call;
  *call.mutable_scope() = request.scope;
  call.set_gate(RecipeGateOf(request.cdi));
  if (email) call.mutable_contact()->set_email(*email);
  if (phone_number) call.mutable_contact()->set_phone_number(*phone_number);
  if (device_id) call.set_device_id(*device_id);
  if (user_input_code) call.set_user_input_code(*user_input_code);
  ASSIGN_OR_RETURN(const auto reply, clients.passwordless.CreateCode(request.context, call));
  if (reply.has_restart_flow()) return StatusReply("RESTART_FLOW_ERROR");
  if (reply.has_user_input_code_already_used()) {
    return StatusReply("USER_INPUT_CODE_ALREADY_USED_ERROR");
  }
  const auto& created = reply.created();
  return JsonReply(Value::Object({{"status", "OK"},
                                  {"preAuthSessionId", created.pre_auth_session_id()},
                                  {"codeId", created.code_id()},
                                  {"deviceId", created.device_id()},
                                  {"userInputCode", created.user_input_code()},
                                  {"linkCode", created.link_code()},
                                  {"timeCreated", created.time_created_ms()},
                                  {"codeLifetime", created.code_lifetime_ms()}}));
}

// {preAuthSessionId, linkCode | deviceId and userInputCode}
absl::StatusOr<v1::Proof> ReadProof(const Value& body) {
  constexpr char kOneOf[] = "Please provide exactly one of linkCode or deviceId+userInputCode";
  v1::Proof proof;
  ASSIGN_OR_RETURN(*proof.mutable_pre_auth_session_id(), RequireString(body, "preAuthSessionId"));
  const bool has_device = body.Find("deviceId") != nullptr;
  const bool has_code = body.Find("userInputCode") != nullptr;
  if (body.Find("linkCode") != nullptr) {
    if (has_device || has_code) return BadInput(kOneOf);
    ASSIGN_OR_RETURN(*proof.mutable_link_code(), RequireString(body, "linkCode"));
    return proof;
  }
  if (!has_device || !has_code) return BadInput(kOneOf);
  auto& user_input = *proof.mutable_user_input();
  ASSIGN_OR_RETURN(*user_input.mutable_device_id(), RequireString(body, "deviceId"));
  ASSIGN_OR_RETURN(*user_input.mutable_user_input_code(), RequireString(body, "userInputCode"));
  return proof;
}

// POST /recipe/signinup/code/check
absl::StatusOr<Reply> CheckCode(ApiRequest& request, Clients& clients) {
  ASSIGN_OR_RETURN(const Value* body, request.JsonBody());
  v1::CheckCodeRequest call;
  ASSIGN_OR_RETURN(*call.mutable_proof(), ReadProof(*body));
  *call.mutable_scope() = request.scope;
  call.set_gate(RecipeGateOf(request.cdi));
  ASSIGN_OR_RETURN(const auto reply, clients.passwordless.CheckCode(request.context, call));
  if (reply.has_wrong_code()) return WrongCodeReply(reply.wrong_code());
  if (!reply.has_device()) return StatusReply("RESTART_FLOW_ERROR");
  return JsonReply(
      Value::Object({{"status", "OK"}, {"consumedDevice", DeviceJson(reply.device())}}));
}

// POST /recipe/signinup/code/consume
absl::StatusOr<Reply> ConsumeCode(ApiRequest& request, Clients& clients) {
  ASSIGN_OR_RETURN(const Value* body, request.JsonBody());
  v1::ConsumeCodeRequest call;
  ASSIGN_OR_RETURN(*call.mutable_proof(), ReadProof(*body));
  *call.mutable_scope() = request.scope;
  call.set_gate(RecipeGateOf(request.cdi));
  call.set_mark_email_verified(request.cdi >= cdi::k4_0);
  ASSIGN_OR_RETURN(const auto reply, clients.passwordless.ConsumeCode(request.context, call));
  if (reply.has_wrong_code()) return WrongCodeReply(reply.wrong_code());
  if (!reply.has_signed_in()) return StatusReply("RESTART_FLOW_ERROR");
  const auto& signed_in = reply.signed_in();
  return ObjectReply([&](json::ObjectWriter& out) {
    AddUserReply(signed_in.user(), signed_in.recipe_user_id(), request.cdi, out);
    out.Add("createdNewUser", signed_in.created());
    if (request.cdi >= cdi::k5_0) {
      out.AddJson("consumedDevice", json::Serialize(DeviceJson(signed_in.device())));
    }
  });
}

// POST /recipe/signinup/code/remove {codeId}, and from 5.0 {preAuthSessionId} instead
absl::StatusOr<Reply> RemoveCode(ApiRequest& request, Clients& clients) {
  ASSIGN_OR_RETURN(const Value* body, request.JsonBody());
  std::optional<std::string> code_id, device;
  if (request.cdi >= cdi::k5_0) {
    ASSIGN_OR_RETURN(code_id, OptionalString(*body, "codeId"));
    ASSIGN_OR_RETURN(device, OptionalString(*body, "preAuthSessionId"));
    if (!code_id && !device) {
      return BadInput("Please provide either 'codeId' or 'preAuthSessionId'");
    }
    if (code_id && device) {
      return BadInput("Please provide only one of 'codeId' or 'preAuthSessionId'");
    }
  } else {
    ASSIGN_OR_RETURN(code_id, RequireString(*body, "codeId"));
  }
  if (code_id) {
    v1::RemoveCodeRequest call;
    *call.mutable_scope() = request.scope;
    call.set_code_id(*code_id);
    RETURN_IF_ERROR(clients.passwordless.RemoveCode(request.context, call).status());
  } else {
    v1::RemoveDeviceRequest call;
    *call.mutable_scope() = request.scope;
    call.set_pre_auth_session_id(*device);
    RETURN_IF_ERROR(clients.passwordless.RemoveDevice(request.context, call).status());
  }
  return StatusReply("OK");
}

// POST /recipe/signinup/codes/remove {email | phoneNumber}
absl::StatusOr<Reply> RemoveCodes(ApiRequest& request, Clients& clients) {
  ASSIGN_OR_RETURN(const Value* body, request.JsonBody());
  ASSIGN_OR_RETURN(const auto email, OptionalString(*body, "email"));
  ASSIGN_OR_RETURN(const auto phone_number, OptionalString(*body, "phoneNumber"));
  if (email.has_value() == phone_number.has_value()) {
    return BadInput("Please provide exactly one of email or phoneNumber");
  }
  v1::RemoveCodesOfContactRequest call;
  *call.mutable_scope() = request.scope;
  if (email) call.mutable_contact()->set_email(*email);
  if (phone_number) call.mutable_contact()->set_phone_number(*phone_number);
  RETURN_IF_ERROR(clients.passwordless.RemoveCodesOfContact(request.context, call).status());
  return StatusReply("OK");
}

// GET /recipe/signinup/codes?email | phoneNumber | deviceId | preAuthSessionId
absl::StatusOr<Reply> ListCodes(ApiRequest& request, Clients& clients) {
  const auto email = request.Query("email");
  const auto phone_number = request.Query("phoneNumber");
  const auto device_id = request.Query("deviceId");
  const auto device = request.Query("preAuthSessionId");
  if (email.has_value() + phone_number.has_value() + device_id.has_value() +
          device.has_value() !=
      1) {
    return BadInput(
        "Please provide exactly one of email, phoneNumber, deviceId or preAuthSessionId");
  }
  v1::ListDevicesRequest call;
  *call.mutable_scope() = request.scope;
  if (email) call.mutable_contact()->set_email(std::string(*email));
  if (phone_number) call.mutable_contact()->set_phone_number(std::string(*phone_number));
  if (device_id) call.set_device_id(std::string(*device_id));
  if (device) call.set_pre_auth_session_id(std::string(*device));
  ASSIGN_OR_RETURN(const auto reply, clients.passwordless.ListDevices(request.context, call));
  Value devices = Value::Array();
  for (const auto& listed : reply.devices()) {
    Value codes = Value::Array();
    for (const auto& code : listed.codes()) {
      codes.Append(Value::Object({{"codeId", code.code_id()},
                                  {"timeCreated", code.time_created_ms()},
                                  {"codeLifetime", reply.code_lifetime_ms()}}));
    }
    Value json = DeviceJson(listed.device());
    json.Set("codes", std::move(codes));
    devices.Append(std::move(json));
  }
  return JsonReply(Value::Object({{"status", "OK"}, {"devices", std::move(devices)}}));
}

// GET /recipe/user?userId, an operation of the app, or ?email or ?phoneNumber, one of the tenant
absl::StatusOr<Reply> GetUser(ApiRequest& request, Clients& clients) {
  const auto user_id = request.Query("userId");
  const auto email = request.Query("email");
  const auto phone_number = request.Query("phoneNumber");
  if (user_id.has_value() + email.has_value() + phone_number.has_value() != 1) {
    return BadInput("Please provide exactly one of userId, email or phoneNumber");
  }
  if (user_id) {
    RETURN_IF_ERROR(RequireAppThenPublicTenant(clients.tenants, request));
    v1::GetUserByIdRequest call;
    *call.mutable_scope() = request.scope;
    call.set_user_id(std::string(*user_id));
    ASSIGN_OR_RETURN(const auto reply, clients.passwordless.GetUserById(request.context, call));
    if (!reply.has_user()) return StatusReply("UNKNOWN_USER_ID_ERROR");
    return UserReply(reply.user(), "", request.cdi);
  }
  v1::GetUserByContactRequest call;
  *call.mutable_scope() = request.scope;
  if (email) call.mutable_contact()->set_email(std::string(*email));
  if (phone_number) call.mutable_contact()->set_phone_number(std::string(*phone_number));
  ASSIGN_OR_RETURN(const auto reply, clients.passwordless.GetUserByContact(request.context, call));
  if (!reply.has_user()) {
    return StatusReply(email ? "UNKNOWN_EMAIL_ERROR" : "UNKNOWN_PHONE_NUMBER_ERROR");
  }
  return UserReply(reply.user(), "", request.cdi);
}

// A null clears the field.
absl::StatusOr<std::optional<v1::FieldUpdate>> ReadUpdate(const Value& body,
                                                          std::string_view field) {
  if (body.Find(field) == nullptr) return std::nullopt;
  ASSIGN_OR_RETURN(std::optional<std::string> value, RequireStringOrNull(body, field));
  v1::FieldUpdate update;
  if (value.has_value()) update.set_value(*std::move(value));
  return update;
}

Reply NotAllowedReply(std::string_view status, std::string_view reason) {
  return JsonReply(Value::Object({{"status", status}, {"reason", reason}}));
}

// PUT /recipe/user {recipeUserId, email?, phoneNumber?}
absl::StatusOr<Reply> UpdateUser(ApiRequest& request, Clients& clients) {
  using Response = v1::UpdateUserResponse;
  ASSIGN_OR_RETURN(const Value* body, request.JsonBody());
  v1::UpdateUserRequest call;
  ASSIGN_OR_RETURN(*call.mutable_recipe_user_id(),
                   RequireString(*body, request.cdi >= cdi::k4_0 ? "recipeUserId" : "userId"));
  ASSIGN_OR_RETURN(const auto email, ReadUpdate(*body, "email"));
  ASSIGN_OR_RETURN(const auto phone_number, ReadUpdate(*body, "phoneNumber"));
  RETURN_IF_ERROR(RequireAppThenPublicTenant(clients.tenants, request));
  *call.mutable_scope() = request.scope;
  if (email) *call.mutable_email() = *email;
  if (phone_number) *call.mutable_phone_number() = *phone_number;
  ASSIGN_OR_RETURN(const Response reply, clients.passwordless.UpdateUser(request.context, call));
  switch (reply.outcome()) {
    case Response::OUTCOME_UPDATED:
      return StatusReply("OK");
    case Response::OUTCOME_EMAIL_ALREADY_EXISTS:
      return StatusReply("EMAIL_ALREADY_EXISTS_ERROR");
    case Response::OUTCOME_PHONE_NUMBER_ALREADY_EXISTS:
      return StatusReply("PHONE_NUMBER_ALREADY_EXISTS_ERROR");
    case Response::OUTCOME_EMAIL_CHANGE_NOT_ALLOWED:
      return NotAllowedReply("EMAIL_CHANGE_NOT_ALLOWED_ERROR",
                             "New email is associated with another primary user ID");
    case Response::OUTCOME_PHONE_NUMBER_CHANGE_NOT_ALLOWED:
      return NotAllowedReply("PHONE_NUMBER_CHANGE_NOT_ALLOWED_ERROR",
                             "New phone number is associated with another primary user ID");
    default:
      return StatusReply("UNKNOWN_USER_ID_ERROR");
  }
}

}  // namespace

void AddPasswordlessRoutes(RouteTable& routes, rpc::Channel& passwordless,
                           const tenancy::TenantDirectory& tenants,
                           RecipeUserHandlers& recipe_user) {
  const RouteGroup group(
      routes, "passwordless",
      std::make_shared<Clients>(Clients{v1::PasswordlessServiceClient(passwordless), tenants}));
  group.Add(HttpMethod::kPost, "/recipe/signinup/code", CreateCode);
  group.Add(HttpMethod::kPost, "/recipe/signinup/code/check", CheckCode);
  group.Add(HttpMethod::kPost, "/recipe/signinup/code/consume", ConsumeCode);
  group.Add(HttpMethod::kPost, "/recipe/signinup/code/remove", RemoveCode);
  group.Add(HttpMethod::kPost, "/recipe/signinup/codes/remove", RemoveCodes);
  group.Add(HttpMethod::kGet, "/recipe/signinup/codes", ListCodes);
  recipe_user.Add("passwordless", HttpMethod::kGet, group.Bind(GetUser));
  recipe_user.Add("passwordless", HttpMethod::kPut, group.Bind(UpdateUser));
}

}  // namespace gatehouse::gateway
