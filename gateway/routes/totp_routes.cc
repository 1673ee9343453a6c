#include "gateway/routes/totp_routes.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "gatehouse/totp/v1/totp_service.rpc.h"
#include "gateway/api/route_group.h"
#include "gateway/json_input.h"
#include "gateway/routes/app_checks.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/tenancy/tenant_directory.h"

namespace gatehouse::gateway {
namespace {

using json::Value;

// What the handlers work with.
struct Totp {
  totp::v1::TotpServiceClient client;
  const tenancy::TenantDirectory& tenants;
};

constexpr size_t kMaxUsersAtOnce = 500;  // the original's

// Types of all fields are checked before the contents of any, and both before the tenant.
absl::Status RequireText(std::string_view field, std::string_view text) {
  if (!text.empty()) return absl::OkStatus();
  return BadInput(StrCat(field, " cannot be empty"));
}

template <typename Call>
absl::Status RequireDevice(const Call& call) {
  RETURN_IF_ERROR(RequireText("userId", call.user_id()));
  if (call.has_device_name()) RETURN_IF_ERROR(RequireText("deviceName", call.device_name()));
  return absl::OkStatus();
}

template <typename Call>
absl::Status RequirePeriods(const Call& call) {
  if (call.skew() < 0) return BadInput("skew must be >= 0");
  if (call.period_s() <= 0) return BadInput("period must be > 0");
  return absl::OkStatus();
}

// {userId, deviceName?, skew, period}
template <typename Call>
absl::Status ReadDevice(const Value& body, Call& call) {
  ASSIGN_OR_RETURN(*call.mutable_user_id(), RequireString(body, "userId"));
  ASSIGN_OR_RETURN(const std::optional<std::string> name, OptionalString(body, "deviceName"));
  if (name.has_value()) call.set_device_name(*name);
  ASSIGN_OR_RETURN(const int32_t skew, RequireInt32(body, "skew"));
  call.set_skew(skew);
  ASSIGN_OR_RETURN(const int32_t period, RequireInt32(body, "period"));
  call.set_period_s(period);
  return absl::OkStatus();
}

Reply NameTaken() { return StatusReply("DEVICE_ALREADY_EXISTS_ERROR"); }
Reply UnknownDevice() { return StatusReply("UNKNOWN_DEVICE_ERROR"); }

Reply RefusedReply(const totp::v1::Refused& refused, CdiVersion cdi) {
  const bool limited = refused.has_retry_after_ms();
  Value json = Value::Object({{"status", limited ? "LIMIT_REACHED_ERROR" : "INVALID_TOTP_ERROR"}});
  if (limited) json.Set("retryAfterMs", refused.retry_after_ms());
  if (cdi >= cdi::k5_0) {
    json.Set("currentNumberOfFailedAttempts", refused.failed_attempts());
    json.Set("maxNumberOfFailedAttempts", refused.max_attempts());
  }
  return JsonReply(json);
}

// POST /recipe/totp/device {userId, deviceName?, skew, period}
absl::StatusOr<Reply> CreateDevice(ApiRequest& request, Totp& totp) {
  totp::v1::CreateDeviceRequest call;
  ASSIGN_OR_RETURN(const Value* body, request.JsonBody());
  RETURN_IF_ERROR(ReadDevice(*body, call));
  RETURN_IF_ERROR(RequireDevice(call));
  RETURN_IF_ERROR(RequirePeriods(call));
  RETURN_IF_ERROR(RequireAppThenPublicTenant(totp.tenants, request));
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const auto reply, totp.client.CreateDevice(request.context, call));
  if (!reply.has_created()) return NameTaken();
  return JsonReply(Value::Object({{"status", "OK"},
                                  {"deviceName", reply.created().device_name()},
                                  {"secret", reply.created().secret_key()}}));
}

// POST /recipe/totp/device/import {userId, deviceName?, skew, period, secretKey}
absl::StatusOr<Reply> ImportDevice(ApiRequest& request, Totp& totp) {
  totp::v1::ImportDeviceRequest call;
  ASSIGN_OR_RETURN(const Value* body, request.JsonBody());
  RETURN_IF_ERROR(ReadDevice(*body, call));
  ASSIGN_OR_RETURN(*call.mutable_secret_key(), RequireString(*body, "secretKey"));
  RETURN_IF_ERROR(RequireDevice(call));
  RETURN_IF_ERROR(RequireText("secretKey", call.secret_key()));
  RETURN_IF_ERROR(RequirePeriods(call));
  RETURN_IF_ERROR(RequireAppThenPublicTenant(totp.tenants, request));
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const auto reply, totp.client.ImportDevice(request.context, call));
  if (reply.name_taken()) return NameTaken();
  return JsonReply(Value::Object({{"status", "OK"}, {"deviceName", reply.device_name()}}));
}

// PUT /recipe/totp/device {userId, existingDeviceName, newDeviceName}
absl::StatusOr<Reply> RenameDevice(ApiRequest& request, Totp& totp) {
  totp::v1::RenameDeviceRequest call;
  ASSIGN_OR_RETURN(const Value* body, request.JsonBody());
  ASSIGN_OR_RETURN(*call.mutable_user_id(), RequireString(*body, "userId"));
  ASSIGN_OR_RETURN(*call.mutable_existing_device_name(),
                   RequireString(*body, "existingDeviceName"));
  ASSIGN_OR_RETURN(*call.mutable_new_device_name(), RequireString(*body, "newDeviceName"));
  RETURN_IF_ERROR(RequireText("userId", call.user_id()));
  RETURN_IF_ERROR(RequireText("existingDeviceName", call.existing_device_name()));
  RETURN_IF_ERROR(RequireText("newDeviceName", call.new_device_name()));
  RETURN_IF_ERROR(RequireAppThenPublicTenant(totp.tenants, request));
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const auto reply, totp.client.RenameDevice(request.context, call));
  if (!reply.device_found()) return UnknownDevice();
  return reply.name_taken() ? NameTaken() : StatusReply("OK");
}

// GET /recipe/totp/device/list?userId
absl::StatusOr<Reply> ListDevices(ApiRequest& request, Totp& totp) {
  totp::v1::ListDevicesRequest call;
  ASSIGN_OR_RETURN(*call.mutable_user_id(), request.RequireQuery("userId"));
  RETURN_IF_ERROR(RequireText("userId", call.user_id()));
  RETURN_IF_ERROR(RequireAppThenPublicTenant(totp.tenants, request));
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const auto reply, totp.client.ListDevices(request.context, call));
  Value devices = Value::Array();
  for (const totp::v1::Device& device : reply.devices()) {
    devices.Append(Value::Object({{"name", device.name()},
                                  {"period", device.period_s()},
                                  {"skew", device.skew()},
                                  {"verified", device.verified()}}));
  }
  return JsonReply(Value::Object({{"status", "OK"}, {"devices", std::move(devices)}}));
}

// POST /recipe/totp/device/remove {userId, deviceName}
absl::StatusOr<Reply> RemoveDevice(ApiRequest& request, Totp& totp) {
  totp::v1::RemoveDeviceRequest call;
  ASSIGN_OR_RETURN(const Value* body, request.JsonBody());
  ASSIGN_OR_RETURN(*call.mutable_user_id(), RequireString(*body, "userId"));
  ASSIGN_OR_RETURN(*call.mutable_device_name(), RequireString(*body, "deviceName"));
  RETURN_IF_ERROR(RequireText("userId", call.user_id()));
  RETURN_IF_ERROR(RequireText("deviceName", call.device_name()));
  RETURN_IF_ERROR(RequireAppThenPublicTenant(totp.tenants, request));
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const auto reply, totp.client.RemoveDevice(request.context, call));
  return JsonReply(Value::Object({{"status", "OK"}, {"didDeviceExist", reply.existed()}}));
}

// POST /recipe/totp/device/status/bulk {userIds}
absl::StatusOr<Reply> ListDeviceStatus(ApiRequest& request, Totp& totp) {
  totp::v1::ListDeviceStatusRequest call;
  ASSIGN_OR_RETURN(const Value* body, request.JsonBody());
  ASSIGN_OR_RETURN(const Value* ids, RequireArray(*body, "userIds"));
  Value users = Value::Array();
  if (ids->size() == 0) {
    return JsonReply(Value::Object({{"status", "OK"}, {"users", std::move(users)}}));
  }
  if (ids->size() > kMaxUsersAtOnce) {
    return BadInput("You can only query up to 500 users at a time.");
  }
  for (const Value& id : ids->elements()) {
    if (!id.is_string()) return BadInput("userIds array must contain only strings");
    call.add_user_ids(std::string(*id.AsString()));
  }
  RETURN_IF_ERROR(RequireAppThenPublicTenant(totp.tenants, request));
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const auto reply, totp.client.ListDeviceStatus(request.context, call));
  for (const totp::v1::DeviceStatus& user : reply.users()) {
    users.Append(
        Value::Object({{"userId", user.user_id()},
                       {"hasVerifiedDevice",
                        user.has_device() ? Value(user.has_verified_device()) : Value::Null()}}));
  }
  return JsonReply(Value::Object({{"status", "OK"}, {"users", std::move(users)}}));
}

// POST /recipe/totp/device/verify {userId, deviceName, totp}
absl::StatusOr<Reply> VerifyDevice(ApiRequest& request, Totp& totp) {
  totp::v1::VerifyDeviceRequest call;
  ASSIGN_OR_RETURN(const Value* body, request.JsonBody());
  ASSIGN_OR_RETURN(*call.mutable_user_id(), RequireString(*body, "userId"));
  ASSIGN_OR_RETURN(*call.mutable_device_name(), RequireString(*body, "deviceName"));
  ASSIGN_OR_RETURN(*call.mutable_code(), RequireString(*body, "totp"));
  RETURN_IF_ERROR(RequireText("userId", call.user_id()));
  RETURN_IF_ERROR(RequireText("deviceName", call.device_name()));
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const auto reply, totp.client.VerifyDevice(request.context, call));
  if (reply.has_refused()) return RefusedReply(reply.refused(), request.cdi);
  if (!reply.has_verified()) return UnknownDevice();
  return JsonReply(
      Value::Object({{"status", "OK"}, {"wasAlreadyVerified", reply.verified().was_already()}}));
}

// POST /recipe/totp/verify {userId, totp}
absl::StatusOr<Reply> VerifyCode(ApiRequest& request, Totp& totp) {
  totp::v1::VerifyCodeRequest call;
  ASSIGN_OR_RETURN(const Value* body, request.JsonBody());
  ASSIGN_OR_RETURN(*call.mutable_user_id(), RequireString(*body, "userId"));
  ASSIGN_OR_RETURN(*call.mutable_code(), RequireString(*body, "totp"));
  RETURN_IF_ERROR(RequireText("userId", call.user_id()));
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const auto reply, totp.client.VerifyCode(request.context, call));
  if (reply.has_refused()) return RefusedReply(reply.refused(), request.cdi);
  return StatusReply(reply.accepted() ? "OK" : "UNKNOWN_USER_ID_ERROR");
}

}  // namespace

void AddTotpRoutes(RouteTable& routes, rpc::Channel& channel,
                   const tenancy::TenantDirectory& tenants) {
  const RouteGroup group(
      routes, "totp", std::make_shared<Totp>(Totp{totp::v1::TotpServiceClient(channel), tenants}));
  // Of an app.
  group.Add(HttpMethod::kPost, "/recipe/totp/device", CreateDevice);
  group.Add(HttpMethod::kPost, "/recipe/totp/device/import", ImportDevice);
  group.Add(HttpMethod::kPut, "/recipe/totp/device", RenameDevice);
  group.Add(HttpMethod::kGet, "/recipe/totp/device/list", ListDevices);
  group.Add(HttpMethod::kPost, "/recipe/totp/device/remove", RemoveDevice);
  group.Add(HttpMethod::kPost, "/recipe/totp/device/status/bulk", ListDeviceStatus);
  // Of a tenant.
  group.Add(HttpMethod::kPost, "/recipe/totp/device/verify", VerifyDevice);
  group.Add(HttpMethod::kPost, "/recipe/totp/verify", VerifyCode);
}

}  // namespace gatehouse::gateway
