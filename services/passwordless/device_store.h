#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/tenancy/tenant_directory.h"
#include "libs/tenancy/where.h"

namespace gatehouse::passwordless {

using tenancy::Where;

// An address that codes are sent to.
struct ContactInfo {
  bool is_email = true;
  std::string value;  // normalised
};

struct LoginDevice {
  std::string id_hash;
  std::string link_code_salt;  // Base64
  ContactInfo contact;
  int failed_attempts = 0;
};

struct LoginCode {
  std::string id;
  std::string device_id_hash;
  std::string link_code_hash;
  int64_t created_at_ms = 0;
};

struct DeviceWithCodes {
  LoginDevice device;
  std::vector<LoginCode> codes;  // oldest first
};

enum class AddCodeOutcome { kAdded, kDuplicateLinkCode, kDuplicateId, kUnknownDevice };

// One attempt to use a code at a device.
struct CodeTry {
  std::string device_id_hash;
  std::string link_code_hash;
  int64_t oldest_valid_ms = 0;  // codes created earlier are expired
  int max_attempts = 0;
  bool counts_as_attempt = false;  // a typed code; the code of a link can't be guessed
};
struct CodeTryOutcome {
  enum class Result { kRight, kWrong, kExpired, kRestart };
  Result result = Result::kRestart;
  LoginDevice device;       // as it was before; for kRight
  LoginCode code;           // for kRight
  int failed_attempts = 0;  // for kWrong and kExpired, this one included
};

// Thread-safe. Besides the stated errors, a call fails as described in libs/db/errors.h, and with
// kTenantNotFound when the tenant has just been removed.
class DeviceStore {
 public:
  virtual ~DeviceStore() = default;

  // False, without effect, when an id or hash is taken. One statement.
  virtual absl::StatusOr<bool> CreateDevice(const Where& where, const LoginDevice& device,
                                            const LoginCode& code) = 0;
  // Keeps the device's newest `max_codes` codes, including the new one.
  virtual absl::StatusOr<AddCodeOutcome> AddCode(const Where& where, const LoginCode& code,
                                                 int max_codes) = 0;
  virtual absl::StatusOr<std::optional<LoginDevice>> FindDevice(const Where& where,
                                                                std::string_view id_hash) = 0;
  virtual absl::StatusOr<std::optional<LoginCode>> FindCode(const Where& where,
                                                            std::string_view link_code_hash) = 0;
  // Decides under a lock of the device, in one transaction: no concurrent attempt is lost.
  virtual absl::StatusOr<CodeTryOutcome> TryCode(const Where& where, const CodeTry& attempt) = 0;
  // Uses up a right code: removes all devices of the contact that `device` is for. False, without
  // effect, when the code is gone: of concurrent uses of any of the contact's codes, one succeeds.
  virtual absl::StatusOr<bool> UseUp(const Where& where, const LoginDevice& device,
                                     std::string_view link_code_hash) = 0;

  // Removals; missing rows are no error.
  virtual absl::Status RemoveCode(const Where& where, std::string_view code_id) = 0;
  virtual absl::Status RemoveDevice(const Where& where, std::string_view id_hash) = 0;
  // In the given tenants of the app, whose rows are in `where`'s database.
  virtual absl::Status RemoveDevicesOf(const Where& where,
                                       const std::vector<std::string>& tenant_ids,
                                       const ContactInfo& contact) = 0;

  // Those of a contact, and the one with an id. Oldest first.
  virtual absl::StatusOr<std::vector<DeviceWithCodes>> ListOf(const Where& where,
                                                              const ContactInfo& contact) = 0;
  virtual absl::StatusOr<std::vector<DeviceWithCodes>> ListById(const Where& where,
                                                                std::string_view id_hash) = 0;
};

}  // namespace gatehouse::passwordless
