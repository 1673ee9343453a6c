#include "services/passwordless/passwordless_service.h"

#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "libs/base/contact_info.h"
#include "libs/base/problem.h"
#include "libs/base/status.h"
#include "libs/tenancy/app_databases.h"
#include "libs/tenancy/ask_databases.h"
#include "services/passwordless/code_secrets.h"

namespace gatehouse::passwordless {
namespace {

using tenancy::TenantPtr;

constexpr char kRecipeId[] = "passwordless";

absl::StatusOr<ContactInfo> ReadContact(const v1::Contact& contact) {
  switch (contact.kind_case()) {
    case v1::Contact::kEmail:
      return ContactInfo{true, NormaliseEmail(contact.email())};
    case v1::Contact::kPhoneNumber:
      return ContactInfo{false, NormalisePhoneNumber(contact.phone_number())};
    default:
      return BadInput(Problem::kMissing, "Neither an email nor a phone number is given",
                      {{"field", "email,phoneNumber"}});
  }
}

CodeProof ReadProof(const v1::Proof& proof) {
  CodeProof read;
  read.device_id_hash = proof.pre_auth_session_id();
  if (proof.code_case() == v1::Proof::kLinkCode) read.link_code = proof.link_code();
  read.device_id = proof.user_input().device_id();
  read.user_input_code = proof.user_input().user_input_code();
  return read;
}

void Write(const LoginDevice& device, v1::Device& reply) {
  reply.set_pre_auth_session_id(device.id_hash);
  reply.set_failed_attempts(device.failed_attempts);
  v1::Contact& contact = *reply.mutable_contact();
  if (device.contact.is_email) contact.set_email(device.contact.value);
  if (!device.contact.is_email) contact.set_phone_number(device.contact.value);
}

// Everything but a right code, which CheckCode and ConsumeCode answer differently.
template <typename Response>
void WriteFailure(const CodeTryOutcome& outcome, const tenancy::Tenant& tenant,
                  Response& response) {
  if (outcome.result == CodeTryOutcome::Result::kRestart) {
    response.set_restart_flow(true);
    return;
  }
  v1::WrongCode& wrong = *response.mutable_wrong_code();
  wrong.set_is_expired(outcome.result == CodeTryOutcome::Result::kExpired);
  wrong.set_failed_attempts(outcome.failed_attempts);
  wrong.set_max_attempts(tenant.config->passwordless_max_code_input_attempts());
}

}  // namespace

absl::StatusOr<v1::CreateCodeResponse> PasswordlessServiceImpl::CreateCode(
    rpc::CallContext& context, const v1::CreateCodeRequest& request) {
  ASSIGN_OR_RETURN(const TenantPtr tenant, directory_.Find(request.scope(), context.deadline));
  RETURN_IF_ERROR(CheckPasswordlessGate(*tenant, request.gate()));
  const Where where = {tenant, context.deadline};
  std::optional<std::string> user_input_code;
  if (request.has_user_input_code()) user_input_code = request.user_input_code();
  v1::CreateCodeResponse response;
  NewCode code;
  if (request.target_case() == v1::CreateCodeRequest::kDeviceId) {
    ASSIGN_OR_RETURN(auto outcome, codes_.AddCode(where, request.device_id(), user_input_code));
    if (const NoCode* none = std::get_if<NoCode>(&outcome)) {
      if (*none == NoCode::kRestartFlow) response.set_restart_flow(true);
      if (*none == NoCode::kUserInputCodeUsed) response.set_user_input_code_already_used(true);
      return response;
    }
    code = std::get<NewCode>(std::move(outcome));
  } else {
    ASSIGN_OR_RETURN(const ContactInfo contact, ReadContact(request.contact()));
    ASSIGN_OR_RETURN(code, codes_.CreateDevice(where, contact, user_input_code));
  }
  auto& created = *response.mutable_created();
  created.set_pre_auth_session_id(code.device_id_hash);
  created.set_code_id(code.code_id);
  created.set_device_id(code.device_id);
  created.set_user_input_code(code.user_input_code);
  created.set_link_code(code.link_code);
  created.set_time_created_ms(code.created_at_ms);
  created.set_code_lifetime_ms(tenant->config->passwordless_code_lifetime_ms());
  return response;
}

absl::StatusOr<v1::CheckCodeResponse> PasswordlessServiceImpl::CheckCode(
    rpc::CallContext& context, const v1::CheckCodeRequest& request) {
  ASSIGN_OR_RETURN(const TenantPtr tenant, directory_.Find(request.scope(), context.deadline));
  RETURN_IF_ERROR(CheckPasswordlessGate(*tenant, request.gate()));
  ASSIGN_OR_RETURN(const CodeTryOutcome outcome,
                   codes_.Try({tenant, context.deadline}, ReadProof(request.proof())));
  v1::CheckCodeResponse response;
  if (outcome.result == CodeTryOutcome::Result::kRight) {
    Write(outcome.device, *response.mutable_device());
  } else {
    WriteFailure(outcome, *tenant, response);
  }
  return response;
}

absl::StatusOr<v1::ConsumeCodeResponse> PasswordlessServiceImpl::ConsumeCode(
    rpc::CallContext& context, const v1::ConsumeCodeRequest& request) {
  ASSIGN_OR_RETURN(const TenantPtr tenant, directory_.Find(request.scope(), context.deadline));
  RETURN_IF_ERROR(CheckPasswordlessGate(*tenant, request.gate()));
  const Where where = {tenant, context.deadline};
  ASSIGN_OR_RETURN(const CodeTryOutcome outcome, codes_.Try(where, ReadProof(request.proof())));
  v1::ConsumeCodeResponse response;
  if (outcome.result != CodeTryOutcome::Result::kRight) {
    WriteFailure(outcome, *tenant, response);
    return response;
  }
  // Used up last: a user whose attempt is interrupted earlier can retry with the code. Of
  // concurrent codes of one contact one is used, and the others sign nobody in.
  absl::StatusOr<v1::ConsumeCodeResponse::SignedIn> signed_in =
      accounts_.SignInOrUp(tenant, context, outcome, request.mark_email_verified());
  if (!signed_in.ok()) {
    cut_off_();
    return signed_in.status();
  }
  ASSIGN_OR_RETURN(const bool used, codes_.UseUp(where, outcome));
  if (!used) {
    response.set_restart_flow(true);
    return response;
  }
  *response.mutable_signed_in() = *std::move(signed_in);
  Write(outcome.device, *response.mutable_signed_in()->mutable_device());
  return response;
}

absl::StatusOr<v1::RemoveCodeResponse> PasswordlessServiceImpl::RemoveCode(
    rpc::CallContext& context, const v1::RemoveCodeRequest& request) {
  ASSIGN_OR_RETURN(const TenantPtr tenant, directory_.Find(request.scope(), context.deadline));
  RETURN_IF_ERROR(devices_.RemoveCode({tenant, context.deadline}, request.code_id()));
  return v1::RemoveCodeResponse();
}

absl::StatusOr<v1::RemoveDeviceResponse> PasswordlessServiceImpl::RemoveDevice(
    rpc::CallContext& context, const v1::RemoveDeviceRequest& request) {
  ASSIGN_OR_RETURN(const TenantPtr tenant, directory_.Find(request.scope(), context.deadline));
  RETURN_IF_ERROR(devices_.RemoveDevice({tenant, context.deadline}, request.pre_auth_session_id()));
  return v1::RemoveDeviceResponse();
}

absl::StatusOr<v1::RemoveCodesOfContactResponse> PasswordlessServiceImpl::RemoveCodesOfContact(
    rpc::CallContext& context, const v1::RemoveCodesOfContactRequest& request) {
  ASSIGN_OR_RETURN(const ContactInfo contact, ReadContact(request.contact()));
  ASSIGN_OR_RETURN(const TenantPtr tenant, directory_.Find(request.scope(), context.deadline));
  RETURN_IF_ERROR(
      devices_.RemoveDevicesOf({tenant, context.deadline}, {tenant->tenant_id}, contact));
  return v1::RemoveCodesOfContactResponse();
}

absl::StatusOr<v1::ListDevicesResponse> PasswordlessServiceImpl::ListDevices(
    rpc::CallContext& context, const v1::ListDevicesRequest& request) {
  ASSIGN_OR_RETURN(const TenantPtr tenant, directory_.Find(request.scope(), context.deadline));
  const Where where = {tenant, context.deadline};
  std::vector<DeviceWithCodes> devices;
  if (request.by_case() == v1::ListDevicesRequest::kDeviceId) {
    ASSIGN_OR_RETURN(const std::string device_id, DecodeBase64("deviceId", request.device_id()));
    ASSIGN_OR_RETURN(devices, devices_.ListById(where, DeviceIdHash(device_id)));
  } else if (request.by_case() == v1::ListDevicesRequest::kPreAuthSessionId) {
    ASSIGN_OR_RETURN(devices, devices_.ListById(where, request.pre_auth_session_id()));
  } else {
    ASSIGN_OR_RETURN(const ContactInfo contact, ReadContact(request.contact()));
    ASSIGN_OR_RETURN(devices, devices_.ListOf(where, contact));
  }
  v1::ListDevicesResponse response;
  response.set_code_lifetime_ms(tenant->config->passwordless_code_lifetime_ms());
  for (const DeviceWithCodes& device : devices) {
    auto& reply = *response.add_devices();
    Write(device.device, *reply.mutable_device());
    for (const LoginCode& code : device.codes) {
      auto& code_reply = *reply.add_codes();
      code_reply.set_code_id(code.id);
      code_reply.set_time_created_ms(code.created_at_ms);
    }
  }
  return response;
}

absl::StatusOr<v1::GetUserByIdResponse> PasswordlessServiceImpl::GetUserById(
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

absl::StatusOr<v1::GetUserByContactResponse> PasswordlessServiceImpl::GetUserByContact(
    rpc::CallContext& context, const v1::GetUserByContactRequest& request) {
  ASSIGN_OR_RETURN(const ContactInfo contact, ReadContact(request.contact()));
  users::v1::FindUsersRequest call;
  *call.mutable_scope() = request.scope();
  if (contact.is_email) call.set_email(contact.value);
  if (!contact.is_email) call.set_phone_number(contact.value);
  ASSIGN_OR_RETURN(users::v1::FindUsersResponse found, users_.FindUsers(context, call));
  v1::GetUserByContactResponse response;
  for (users::v1::User& user : *found.mutable_users()) {
    for (const users::v1::LoginMethod& method : user.login_methods()) {
      if (method.recipe_id() != kRecipeId) continue;
      const bool has = contact.is_email ? method.has_email() : method.has_phone_number();
      if (has && (contact.is_email ? method.email() : method.phone_number()) == contact.value) {
        *response.mutable_user() = std::move(user);
        return response;
      }
    }
  }
  return response;
}

absl::StatusOr<v1::UpdateUserResponse> PasswordlessServiceImpl::UpdateUser(
    rpc::CallContext& context, const v1::UpdateUserRequest& request) {
  ASSIGN_OR_RETURN(const std::vector<TenantPtr> databases,
                   tenancy::OneTenantPerDatabase(directory_, request.scope(), context.deadline));
  const absl::StatusOr<v1::UpdateUserResponse::Outcome> outcome =
      accounts_.Update(databases, context, request);
  if (!outcome.ok()) {
    cut_off_();
    return outcome.status();
  }
  v1::UpdateUserResponse response;
  response.set_outcome(*outcome);
  return response;
}

absl::StatusOr<common::v1::RemoveCredentialsResponse> PasswordlessServiceImpl::RemoveCredentials(
    rpc::CallContext& context, const common::v1::RemoveCredentialsRequest& request) {
  ASSIGN_OR_RETURN(const std::vector<TenantPtr> databases,
                   tenancy::DatabasesOfUser(directory_, request.scope(), request.home_tenant_id(),
                                            context.deadline));
  RETURN_IF_ERROR(accounts_.Remove(databases, context, request));
  return common::v1::RemoveCredentialsResponse();
}

absl::StatusOr<common::v1::ImportCredentialsResponse> PasswordlessServiceImpl::ImportCredentials(
    rpc::CallContext& context, const common::v1::ImportCredentialsRequest& request) {
  ASSIGN_OR_RETURN(TenantPtr tenant, directory_.Find(request.scope(), context.deadline));
  RETURN_IF_ERROR(accounts_.Import({tenant, context.deadline}, request));
  return common::v1::ImportCredentialsResponse();
}

}  // namespace gatehouse::passwordless
