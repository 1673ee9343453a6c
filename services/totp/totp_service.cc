#include "services/totp/totp_service.h"

#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "gatehouse/users/v1/registry_service.rpc.h"
#include "libs/base/problem.h"
#include "libs/base/status.h"
#include "libs/tenancy/app_databases.h"
#include "libs/tenancy/ask_databases.h"
#include "services/totp/codes.h"

namespace gatehouse::totp {
namespace {

using tenancy::TenantPtr;

constexpr int kMaxUsersAtOnce = 500;  // the original's
constexpr int kMaxImported = 10'000;

void Encode(const FailedAttempts& failed, const tenancy::Tenant& tenant, v1::Refused& refused) {
  refused.set_failed_attempts(failed.count);
  refused.set_max_attempts(tenant.config->totp_max_attempts());
  if (failed.retry_after_ms) refused.set_retry_after_ms(*failed.retry_after_ms);
}

}  // namespace

absl::StatusOr<Where> TotpServiceImpl::DevicesOf(rpc::CallContext& context,
                                                 const common::v1::Scope& scope,
                                                 const std::string& user_id) {
  ASSIGN_OR_RETURN(TenantPtr app, directory_.FindApp(scope, context.deadline));
  if (directory_.OnePerDatabase(app).size() == 1) return Where{app, context.deadline};
  users::v1::ResolveUserIdsRequest resolve;
  *resolve.mutable_scope() = app->scope();
  resolve.add_user_ids(user_id);
  ASSIGN_OR_RETURN(const auto resolved, registry_.ResolveUserIds(context, resolve));
  if (resolved.users_size() != 1 || resolved.users(0).database_tenant_id().empty()) {
    return Where{app, context.deadline};
  }
  common::v1::Scope home = scope;
  home.set_tenant_id(resolved.users(0).database_tenant_id());
  ASSIGN_OR_RETURN(TenantPtr tenant, directory_.Find(home, context.deadline));
  return Where{tenant, context.deadline};
}

absl::StatusOr<std::optional<Device>> TotpServiceImpl::Create(rpc::CallContext& context,
                                                              const common::v1::Scope& scope,
                                                              const std::string& user_id,
                                                              const NewDevice& wanted) {
  ASSIGN_OR_RETURN(const Where app, DevicesOf(context, scope, user_id));
  return totp::CreateDevice(store_, app, user_id, wanted, clock_.NowMs());
}

absl::StatusOr<v1::CreateDeviceResponse> TotpServiceImpl::CreateDevice(
    rpc::CallContext& context, const v1::CreateDeviceRequest& request) {
  NewDevice wanted = {.name = std::nullopt,
                      .period_s = request.period_s(),
                      .skew = request.skew(),
                      .secret_key = std::nullopt};
  if (request.has_device_name()) wanted.name = request.device_name();
  ASSIGN_OR_RETURN(std::optional<Device> device,
                   Create(context, request.scope(), request.user_id(), wanted));
  v1::CreateDeviceResponse response;
  if (!device.has_value()) {
    response.set_name_taken(true);
    return response;
  }
  response.mutable_created()->set_device_name(std::move(device->name));
  response.mutable_created()->set_secret_key(std::move(device->secret_key));
  return response;
}

absl::StatusOr<v1::ImportDeviceResponse> TotpServiceImpl::ImportDevice(
    rpc::CallContext& context, const v1::ImportDeviceRequest& request) {
  NewDevice wanted = {.name = std::nullopt,
                      .period_s = request.period_s(),
                      .skew = request.skew(),
                      .secret_key = request.secret_key()};
  if (request.has_device_name()) wanted.name = request.device_name();
  ASSIGN_OR_RETURN(std::optional<Device> device,
                   Create(context, request.scope(), request.user_id(), wanted));
  v1::ImportDeviceResponse response;
  if (device.has_value()) {
    response.set_device_name(std::move(device->name));
  } else {
    response.set_name_taken(true);
  }
  return response;
}

absl::StatusOr<v1::ImportDevicesResponse> TotpServiceImpl::ImportDevices(
    rpc::CallContext& context, const v1::ImportDevicesRequest& request) {
  if (request.devices_size() > kMaxImported) {
    return BadInput(Problem::kTooMany, "Too many devices at once",
                    {{"field", "devices"}, {"max", std::to_string(kMaxImported)}});
  }
  ASSIGN_OR_RETURN(TenantPtr tenant, directory_.Find(request.scope(), context.deadline));
  std::vector<UserDevice> devices;
  for (const v1::DeviceToImport& one : request.devices()) {
    devices.push_back({one.user_id(),
                       {.name = one.device_name(),
                        .secret_key = one.secret_key(),
                        .period_s = one.period_s(),
                        .skew = one.skew(),
                        .verified = true}});
  }
  ASSIGN_OR_RETURN(const std::vector<size_t> taken,
                   totp::ImportDevices(store_, {tenant, context.deadline}, devices,
                                       clock_.NowMs(), request.check_only()));
  v1::ImportDevicesResponse response;
  for (const size_t place : taken) response.add_name_taken(static_cast<int32_t>(place));
  return response;
}

absl::StatusOr<v1::RenameDeviceResponse> TotpServiceImpl::RenameDevice(
    rpc::CallContext& context, const v1::RenameDeviceRequest& request) {
  RETURN_IF_ERROR(RequireText("userId", request.user_id()));
  RETURN_IF_ERROR(RequireText("existingDeviceName", request.existing_device_name()));
  RETURN_IF_ERROR(RequireText("newDeviceName", request.new_device_name()));
  ASSIGN_OR_RETURN(const Where app, DevicesOf(context, request.scope(), request.user_id()));
  ASSIGN_OR_RETURN(const PgTotpStore::Renamed renamed,
                   store_.RenameDevice(app, request.user_id(), request.existing_device_name(),
                                       request.new_device_name()));
  v1::RenameDeviceResponse response;
  response.set_device_found(renamed != PgTotpStore::Renamed::kUnknownDevice);
  response.set_name_taken(renamed == PgTotpStore::Renamed::kNameTaken);
  return response;
}

absl::StatusOr<v1::ListDevicesResponse> TotpServiceImpl::ListDevices(
    rpc::CallContext& context, const v1::ListDevicesRequest& request) {
  RETURN_IF_ERROR(RequireText("userId", request.user_id()));
  ASSIGN_OR_RETURN(const Where app, DevicesOf(context, request.scope(), request.user_id()));
  ASSIGN_OR_RETURN(std::vector<Device> devices, store_.ListDevices(app, request.user_id()));
  v1::ListDevicesResponse response;
  for (Device& device : devices) {
    v1::Device& listed = *response.add_devices();
    listed.set_name(std::move(device.name));
    listed.set_period_s(device.period_s);
    listed.set_skew(device.skew);
    listed.set_verified(device.verified);
  }
  return response;
}

absl::StatusOr<v1::RemoveDeviceResponse> TotpServiceImpl::RemoveDevice(
    rpc::CallContext& context, const v1::RemoveDeviceRequest& request) {
  RETURN_IF_ERROR(RequireText("userId", request.user_id()));
  RETURN_IF_ERROR(RequireText("deviceName", request.device_name()));
  ASSIGN_OR_RETURN(const Where app, DevicesOf(context, request.scope(), request.user_id()));
  ASSIGN_OR_RETURN(const bool existed,
                   store_.RemoveDevice(app, request.user_id(), request.device_name()));
  v1::RemoveDeviceResponse response;
  response.set_existed(existed);
  return response;
}

absl::StatusOr<v1::ListDeviceStatusResponse> TotpServiceImpl::ListDeviceStatus(
    rpc::CallContext& context, const v1::ListDeviceStatusRequest& request) {
  if (request.user_ids_size() > kMaxUsersAtOnce) {
    return BadInput(Problem::kTooMany, "You can only query up to 500 users at a time.",
                    {{"field", "userIds"}, {"max", "500"}});
  }
  ASSIGN_OR_RETURN(TenantPtr app, directory_.FindApp(request.scope(), context.deadline));
  ASSIGN_OR_RETURN(const std::vector<DeviceStatus> found,
                   store_.ListStatus({app, context.deadline},
                                     {request.user_ids().begin(), request.user_ids().end()}));
  std::unordered_map<std::string, bool> verified;
  for (const DeviceStatus& user : found) verified.emplace(user.user_id, user.verified);
  v1::ListDeviceStatusResponse response;
  for (const std::string& user_id : request.user_ids()) {
    v1::DeviceStatus& user = *response.add_users();
    user.set_user_id(user_id);
    const auto known = verified.find(user_id);
    user.set_has_device(known != verified.end());
    user.set_has_verified_device(known != verified.end() && known->second);
  }
  return response;
}

absl::StatusOr<v1::VerifyDeviceResponse> TotpServiceImpl::VerifyDevice(
    rpc::CallContext& context, const v1::VerifyDeviceRequest& request) {
  RETURN_IF_ERROR(RequireText("userId", request.user_id()));
  RETURN_IF_ERROR(RequireText("deviceName", request.device_name()));
  ASSIGN_OR_RETURN(const TenantPtr tenant, directory_.Find(request.scope(), context.deadline));
  ASSIGN_OR_RETURN(const CodeCheck check,
                   totp::VerifyDevice(store_, {tenant, context.deadline}, request.user_id(),
                                      request.device_name(), request.code(), clock_.NowMs()));
  v1::VerifyDeviceResponse response;
  switch (check.result) {
    case CodeCheck::Result::kAccepted:
    case CodeCheck::Result::kAlreadyVerified:
      response.mutable_verified()->set_was_already(check.result ==
                                                   CodeCheck::Result::kAlreadyVerified);
      break;
    case CodeCheck::Result::kUnknown:
      response.set_unknown_device(true);
      break;
    case CodeCheck::Result::kRefused:
      Encode(check.failed, *tenant, *response.mutable_refused());
      break;
  }
  return response;
}

absl::StatusOr<v1::VerifyCodeResponse> TotpServiceImpl::VerifyCode(
    rpc::CallContext& context, const v1::VerifyCodeRequest& request) {
  RETURN_IF_ERROR(RequireText("userId", request.user_id()));
  ASSIGN_OR_RETURN(const TenantPtr tenant, directory_.Find(request.scope(), context.deadline));
  ASSIGN_OR_RETURN(const CodeCheck check,
                   totp::VerifyCode(store_, {tenant, context.deadline}, request.user_id(),
                                    request.code(), clock_.NowMs()));
  v1::VerifyCodeResponse response;
  if (check.result == CodeCheck::Result::kAccepted) {
    response.set_accepted(true);
  } else if (check.result == CodeCheck::Result::kRefused) {
    Encode(check.failed, *tenant, *response.mutable_refused());
  } else {
    response.set_unknown_user(true);
  }
  return response;
}

absl::StatusOr<common::v1::RemoveUsersResponse> TotpServiceImpl::RemoveUsers(
    rpc::CallContext& context, const common::v1::RemoveUsersRequest& request) {
  RETURN_IF_ERROR(
      tenancy::RemoveOfUser(directory_, request.scope(), request.home_tenant_id(), context.deadline,
                            [&](const TenantPtr& database, absl::Time deadline) -> absl::Status {
                              for (const std::string& user_id : request.user_ids()) {
                                RETURN_IF_ERROR(store_.RemoveUser({database, deadline}, user_id));
                              }
                              return absl::OkStatus();
                            }));
  return common::v1::RemoveUsersResponse();
}

absl::StatusOr<common::v1::RemoveUserFromTenantResponse> TotpServiceImpl::RemoveUserFromTenant(
    rpc::CallContext& context, const common::v1::RemoveUserFromTenantRequest& request) {
  ASSIGN_OR_RETURN(TenantPtr tenant, directory_.Find(request.scope(), context.deadline));
  ASSIGN_OR_RETURN(const bool existed,
                   store_.RemoveCodes({tenant, context.deadline}, request.user_id()));
  common::v1::RemoveUserFromTenantResponse response;
  response.set_existed(existed);
  return response;
}

absl::StatusOr<common::v1::IsUserIdInUseResponse> TotpServiceImpl::IsUserIdInUse(
    rpc::CallContext& context, const common::v1::IsUserIdInUseRequest& request) {
  ASSIGN_OR_RETURN(std::vector<TenantPtr> databases,
                   tenancy::OneTenantPerDatabase(directory_, request.scope(), context.deadline));
  ASSIGN_OR_RETURN(
      const bool in_use,
      tenancy::AnyDatabase(databases, context.deadline,
                           [&](const TenantPtr& database, absl::Time deadline) {
                             return store_.HasDevice({database, deadline}, request.user_id());
                           }));
  common::v1::IsUserIdInUseResponse response;
  if (in_use) response.set_in_use_by("TOTP");
  return response;
}

}  // namespace gatehouse::totp
