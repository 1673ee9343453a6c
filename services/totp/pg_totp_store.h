#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "libs/tenancy/tenant_databases.h"
#include "libs/tenancy/where.h"
#include "services/totp/attempts.h"

namespace gatehouse::totp {

using tenancy::Where;

struct Device {
  std::string name;
  std::string secret_key;  // Base32
  int32_t period_s;
  int32_t skew;
  bool verified;
};

struct UserDevice {
  std::string user_id;
  Device device;
};

struct DeviceStatus {
  std::string user_id;
  bool verified;  // one of the user's devices is
};

// What is known of a user when a code is checked.
struct KnownUser {
  std::vector<Device> devices;         // oldest first
  std::vector<UsedCode> newest_codes;  // newest first
};

// A checked code, to be remembered.
struct Attempt {
  std::string code;
  bool matches;  // a device's
  int64_t now_ms;
  int64_t expires_at_ms;        // until then a code that was accepted is not accepted again
  std::string verifies_device;  // marked verified when the code is accepted; empty: none
};

// Users' devices and the codes that they have used: tables totp_users, totp_user_devices and
// totp_used_codes. A user's row is locked by whoever changes what belongs to the user, so that one
// code is accepted once, failures are counted one by one, and a device that is gone accepts
// nothing. Thread-safe. Besides the stated errors, a call fails as described in libs/db/errors.h:
// kBadInput when a text is longer than its column. Order of locks: ADR 13.
class PgTotpStore {
 public:
  // `databases` outlives the store.
  explicit PgTotpStore(tenancy::TenantDatabases& databases) : databases_(databases) {}

  // Of an app, in the database of `app`.
  // Adds the device that `choose` returns, or puts it in the place of an unverified one with its
  // name; nothing for nullopt, or when the name is a verified device's. `choose` gets the user's
  // devices, is called again when the transaction is, and must not use the database. Returns the
  // device, if it was stored. kTenantNotFound when the app has just been removed.
  using Choose =
      absl::FunctionRef<absl::StatusOr<std::optional<Device>>(const std::vector<Device>&)>;
  absl::StatusOr<std::optional<Device>> CreateDevice(const Where& app, std::string_view user_id,
                                                     int64_t now_ms, Choose choose);
  // Adds verified devices of many users, no two with one user and name. Returns user and name of
  // those whose name is that of a verified device with another secret.
  absl::StatusOr<std::vector<std::pair<std::string, std::string>>> ImportDevices(
      const Where& app, const std::vector<UserDevice>& devices, int64_t now_ms);
  // What ImportDevices would return now; adds nothing.
  absl::StatusOr<std::vector<std::pair<std::string, std::string>>> FindTakenNames(
      const Where& app, const std::vector<UserDevice>& devices);
  enum class Renamed { kDone, kUnknownDevice, kNameTaken };
  absl::StatusOr<Renamed> RenameDevice(const Where& app, std::string_view user_id,
                                       std::string_view from, std::string_view to);
  // Oldest first.
  absl::StatusOr<std::vector<Device>> ListDevices(const Where& app, std::string_view user_id);
  // True when there was such a device. A user with no device left is forgotten, but not before the
  // codes that were used: failures outlast the devices.
  absl::StatusOr<bool> RemoveDevice(const Where& app, std::string_view user_id,
                                    std::string_view name);
  // Of those that have devices, in any order.
  absl::StatusOr<std::vector<DeviceStatus>> ListStatus(const Where& app,
                                                       const std::vector<std::string>& user_ids);
  absl::Status RemoveUser(const Where& app, std::string_view user_id);
  absl::StatusOr<bool> HasDevice(const Where& app, std::string_view user_id);

  // Of a tenant.
  // Remembers the attempt that `judge` returns, with the user locked; nothing for nullopt. `judge`
  // gets the user's devices and the newest `max_codes` codes, and runs as `choose` does. Returns
  // whether the code was accepted: it matches and has not been accepted before. nullopt: nothing to
  // remember. kTenantNotFound when the tenant has just been removed.
  using Judge = absl::FunctionRef<absl::StatusOr<std::optional<Attempt>>(const KnownUser&)>;
  absl::StatusOr<std::optional<bool>> TryCode(const Where& tenant, std::string_view user_id,
                                              int max_codes, Judge judge);
  // Forgets the codes that the user has used there. False: there were none.
  absl::StatusOr<bool> RemoveCodes(const Where& tenant, std::string_view user_id);

 private:
  tenancy::TenantDatabases& databases_;
};

}  // namespace gatehouse::totp
