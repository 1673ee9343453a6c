#pragma once

#include <functional>
#include <utility>

#include "gatehouse/common/v1/credentials_service.rpc.h"
#include "gatehouse/passwordless/v1/passwordless_service.rpc.h"
#include "libs/tenancy/tenant_directory.h"
#include "services/passwordless/login_codes.h"
#include "services/passwordless/passwordless_users.h"

namespace gatehouse::passwordless {

// passwordless_service.proto and credentials_service.proto: finds the tenant and calls the rules
// (login_codes.h, passwordless_users.h). The users service answers look-ups of users.
// Thread-safe.
class PasswordlessServiceImpl final : public v1::PasswordlessService,
                                      public common::v1::CredentialsService {
 public:
  // All outlive the service. `cut_off` is called after a failed call that may have left a user's
  // credentials different from the registry's.
  PasswordlessServiceImpl(
      const tenancy::TenantDirectory& directory, users::v1::RegistryService& registry,
      users::v1::UserDirectoryService& users, DeviceStore& devices, PasswordlessUserStore& store,
      const Clock& clock, std::function<void()> cut_off = [] {})
      : directory_(directory),
        users_(users),
        devices_(devices),
        codes_(devices, clock),
        accounts_(registry, users, devices, store),
        cut_off_(std::move(cut_off)) {}

  absl::StatusOr<v1::CreateCodeResponse> CreateCode(rpc::CallContext& context,
                                                    const v1::CreateCodeRequest& request) override;
  absl::StatusOr<v1::CheckCodeResponse> CheckCode(rpc::CallContext& context,
                                                  const v1::CheckCodeRequest& request) override;
  absl::StatusOr<v1::ConsumeCodeResponse> ConsumeCode(
      rpc::CallContext& context, const v1::ConsumeCodeRequest& request) override;
  absl::StatusOr<v1::RemoveCodeResponse> RemoveCode(rpc::CallContext& context,
                                                    const v1::RemoveCodeRequest& request) override;
  absl::StatusOr<v1::RemoveDeviceResponse> RemoveDevice(
      rpc::CallContext& context, const v1::RemoveDeviceRequest& request) override;
  absl::StatusOr<v1::RemoveCodesOfContactResponse> RemoveCodesOfContact(
      rpc::CallContext& context, const v1::RemoveCodesOfContactRequest& request) override;
  absl::StatusOr<v1::ListDevicesResponse> ListDevices(
      rpc::CallContext& context, const v1::ListDevicesRequest& request) override;
  absl::StatusOr<v1::GetUserByIdResponse> GetUserById(
      rpc::CallContext& context, const v1::GetUserByIdRequest& request) override;
  absl::StatusOr<v1::GetUserByContactResponse> GetUserByContact(
      rpc::CallContext& context, const v1::GetUserByContactRequest& request) override;
  absl::StatusOr<v1::UpdateUserResponse> UpdateUser(rpc::CallContext& context,
                                                    const v1::UpdateUserRequest& request) override;

  absl::StatusOr<common::v1::RemoveCredentialsResponse> RemoveCredentials(
      rpc::CallContext& context, const common::v1::RemoveCredentialsRequest& request) override;
  absl::StatusOr<common::v1::ImportCredentialsResponse> ImportCredentials(
      rpc::CallContext& context, const common::v1::ImportCredentialsRequest& request) override;

 private:
  const tenancy::TenantDirectory& directory_;
  users::v1::UserDirectoryService& users_;
  DeviceStore& devices_;
  LoginCodes codes_;
  PasswordlessUsers accounts_;
  const std::function<void()> cut_off_;
};

}  // namespace gatehouse::passwordless
