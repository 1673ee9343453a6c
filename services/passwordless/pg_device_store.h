#pragma once

#include "libs/tenancy/tenant_databases.h"
#include "services/passwordless/device_store.h"

namespace gatehouse::passwordless {

// DeviceStore in PostgreSQL: tables passwordless_devices and passwordless_codes.
class PgDeviceStore final : public DeviceStore {
 public:
  // `databases` outlives the store.
  explicit PgDeviceStore(tenancy::TenantDatabases& databases) : databases_(databases) {}

  absl::StatusOr<bool> CreateDevice(const Where& where, const LoginDevice& device,
                                    const LoginCode& code) override;
  absl::StatusOr<AddCodeOutcome> AddCode(const Where& where, const LoginCode& code,
                                         int max_codes) override;
  absl::StatusOr<std::optional<LoginDevice>> FindDevice(const Where& where,
                                                        std::string_view id_hash) override;
  absl::StatusOr<std::optional<LoginCode>> FindCode(const Where& where,
                                                    std::string_view link_code_hash) override;
  absl::StatusOr<CodeTryOutcome> TryCode(const Where& where, const CodeTry& attempt) override;
  absl::StatusOr<bool> UseUp(const Where& where, const LoginDevice& device,
                             std::string_view link_code_hash) override;
  absl::Status RemoveCode(const Where& where, std::string_view code_id) override;
  absl::Status RemoveDevice(const Where& where, std::string_view id_hash) override;
  absl::Status RemoveDevicesOf(const Where& where, const std::vector<std::string>& tenant_ids,
                               const ContactInfo& contact) override;
  absl::StatusOr<std::vector<DeviceWithCodes>> ListOf(const Where& where,
                                                      const ContactInfo& contact) override;
  absl::StatusOr<std::vector<DeviceWithCodes>> ListById(const Where& where,
                                                        std::string_view id_hash) override;

 private:
  tenancy::TenantDatabases& databases_;
};

}  // namespace gatehouse::passwordless
