#pragma once

// The rules of devices. `app`: where the user's rows are.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "services/totp/pg_totp_store.h"

namespace gatehouse::totp {

// Unverified ones included. The original sets no limit; each costs every check of a code its time.
inline constexpr size_t kMaxDevices = 100;

struct NewDevice {
  std::optional<std::string> name;  // nullopt: the first free "TOTP Device <n>"
  int32_t period_s;
  int32_t skew;
  std::optional<std::string> secret_key;  // nullopt: a random one, and the device is not verified
};

// The device, or nullopt: a verified one has the name. kBadInput: a text is empty or too long, the
// period or the skew is out of range, or the user has kMaxDevices.
absl::StatusOr<std::optional<Device>> CreateDevice(PgTotpStore& store, const Where& app,
                                                   std::string_view user_id,
                                                   const NewDevice& wanted, int64_t now_ms);

// Adds devices of many users, which count as verified. Returns the places of those whose name is
// that of another verified device. kBadInput as above, except for the limit, which the caller checks.
// `check_only` adds nothing.
absl::StatusOr<std::vector<size_t>> ImportDevices(PgTotpStore& store, const Where& app,
                                                  const std::vector<UserDevice>& devices,
                                                  int64_t now_ms, bool check_only);

// OK, or kBadInput with the text that clients of the original know: `<field> cannot be empty`.
absl::Status RequireText(std::string_view field, std::string_view text);

}  // namespace gatehouse::totp
