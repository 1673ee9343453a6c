#pragma once

#include <string>

#include "gatehouse/common/v1/user_data_service.rpc.h"
#include "gatehouse/totp/v1/totp_service.rpc.h"
#include "libs/base/clock.h"
#include "libs/tenancy/tenant_directory.h"
#include "services/totp/devices.h"
#include "services/totp/pg_totp_store.h"

namespace gatehouse::users::v1 {
class RegistryService;
}

namespace gatehouse::totp {

// totp_service.proto, and user_data_service.proto for users' devices and codes: finds the tenant,
// calls the rule (devices.h, codes.h) or, if there is none, the store, and encodes the answer.
// Thread-safe.
class TotpServiceImpl final : public v1::TotpService, public common::v1::UserDataService {
 public:
  // All outlive the service. `registry` knows in which database of an app a user is.
  TotpServiceImpl(const tenancy::TenantDirectory& directory, users::v1::RegistryService& registry,
                  PgTotpStore& store, const Clock& clock)
      : directory_(directory), registry_(registry), store_(store), clock_(clock) {}

  absl::StatusOr<v1::CreateDeviceResponse> CreateDevice(
      rpc::CallContext& context, const v1::CreateDeviceRequest& request) override;
  absl::StatusOr<v1::ImportDeviceResponse> ImportDevice(
      rpc::CallContext& context, const v1::ImportDeviceRequest& request) override;
  absl::StatusOr<v1::ImportDevicesResponse> ImportDevices(
      rpc::CallContext& context, const v1::ImportDevicesRequest& request) override;
  absl::StatusOr<v1::RenameDeviceResponse> RenameDevice(
      rpc::CallContext& context, const v1::RenameDeviceRequest& request) override;
  absl::StatusOr<v1::ListDevicesResponse> ListDevices(
      rpc::CallContext& context, const v1::ListDevicesRequest& request) override;
  absl::StatusOr<v1::RemoveDeviceResponse> RemoveDevice(
      rpc::CallContext& context, const v1::RemoveDeviceRequest& request) override;
  absl::StatusOr<v1::ListDeviceStatusResponse> ListDeviceStatus(
      rpc::CallContext& context, const v1::ListDeviceStatusRequest& request) override;
  absl::StatusOr<v1::VerifyDeviceResponse> VerifyDevice(
      rpc::CallContext& context, const v1::VerifyDeviceRequest& request) override;
  absl::StatusOr<v1::VerifyCodeResponse> VerifyCode(rpc::CallContext& context,
                                                    const v1::VerifyCodeRequest& request) override;

  absl::StatusOr<common::v1::RemoveUsersResponse> RemoveUsers(
      rpc::CallContext& context, const common::v1::RemoveUsersRequest& request) override;
  absl::StatusOr<common::v1::RemoveUserFromTenantResponse> RemoveUserFromTenant(
      rpc::CallContext& context, const common::v1::RemoveUserFromTenantRequest& request) override;
  absl::StatusOr<common::v1::IsUserIdInUseResponse> IsUserIdInUse(
      rpc::CallContext& context, const common::v1::IsUserIdInUseRequest& request) override;

 private:
  // Where the devices of the user are: in the user's database, or the public tenant's.
  absl::StatusOr<Where> DevicesOf(rpc::CallContext& context, const common::v1::Scope& scope,
                                  const std::string& user_id);
  absl::StatusOr<std::optional<Device>> Create(rpc::CallContext& context,
                                               const common::v1::Scope& scope,
                                               const std::string& user_id, const NewDevice& wanted);

  const tenancy::TenantDirectory& directory_;
  users::v1::RegistryService& registry_;
  PgTotpStore& store_;
  const Clock& clock_;
};

}  // namespace gatehouse::totp
