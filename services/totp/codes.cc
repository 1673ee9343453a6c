#include "services/totp/codes.h"

#include <algorithm>
#include <string>
#include <vector>

#include "libs/base/problem.h"
#include "libs/base/status.h"
#include "libs/crypto/base32.h"
#include "libs/crypto/bytes.h"
#include "services/totp/otp.h"

namespace gatehouse::totp {
namespace {

using Result = CodeCheck::Result;
using Devices = std::vector<const Device*>;

constexpr size_t kMaxStoredCode = 8;  // the column's width

// What the code is worth to these devices, or nullopt if it is too long to be remembered.
absl::StatusOr<std::optional<Attempt>> Compare(const Devices& devices, std::string_view code,
                                               int64_t now_ms) {
  if (code.size() > kMaxStoredCode) return std::nullopt;
  Attempt attempt = {.code = std::string(code),
                     .matches = false,
                     .now_ms = now_ms,
                     .expires_at_ms = now_ms,
                     .verifies_device = ""};
  int64_t longest_ms = 0, matching_ms = 0;
  bool has_key = devices.empty();
  for (const Device* device : devices) {
    const int64_t lifetime_ms = CodeLifetimeMs(device->period_s, device->skew);
    longest_ms = std::max(longest_ms, lifetime_ms);
    std::string key = crypto::Base32Decode(device->secret_key);
    const crypto::ScopedWipe wipe(key);
    if (key.empty()) continue;  // its codes are known to everybody
    has_key = true;
    if (!IsCodeOf(key, device->period_s, device->skew, now_ms, code)) continue;
    // Of several whose code this is, the one that would accept it longest.
    attempt.matches = true;
    matching_ms = std::max(matching_ms, lifetime_ms);
  }
  if (!has_key) {
    return BadInput(Problem::kMalformed, "The secretKey of the device is not valid",
                    {{"field", "secretKey"}});
  }
  attempt.expires_at_ms += attempt.matches ? matching_ms : longest_ms;
  return attempt;
}

// One attempt: `choose` says which of the user's devices the code is for, or decides at once.
struct Target {
  std::optional<Result> result;
  Devices devices;
  std::string verifies_device;
};

absl::StatusOr<CodeCheck> Try(PgTotpStore& store, const Where& tenant, std::string_view user_id,
                              std::string_view code, int64_t now_ms,
                              absl::FunctionRef<Target(const std::vector<Device>&)> choose) {
  const config::CoreConfig& config = *tenant.tenant->config;
  CodeCheck check;
  ASSIGN_OR_RETURN(
      const std::optional<bool> accepted,
      store.TryCode(tenant, user_id, config.totp_max_attempts(),
                    [&](const KnownUser& user) -> absl::StatusOr<std::optional<Attempt>> {
                      Target target = choose(user.devices);
                      check = {.result = target.result.value_or(Result::kRefused), .failed = {}};
                      if (target.result.has_value()) return std::nullopt;
                      check.failed = CountFailures(user.newest_codes, config.totp_max_attempts(),
                                                   config.totp_rate_limit_cooldown_ms(), now_ms);
                      if (check.failed.retry_after_ms.has_value()) return std::nullopt;
                      ++check.failed.count;
                      ASSIGN_OR_RETURN(std::optional<Attempt> attempt,
                                       Compare(target.devices, code, now_ms));
                      if (attempt.has_value())
                        attempt->verifies_device = std::move(target.verifies_device);
                      return attempt;
                    }));
  if (accepted.value_or(false)) check = {.result = Result::kAccepted, .failed = {}};
  return check;
}

}  // namespace

absl::StatusOr<CodeCheck> VerifyDevice(PgTotpStore& store, const Where& tenant,
                                       std::string_view user_id, std::string_view device_name,
                                       std::string_view code, int64_t now_ms) {
  return Try(store, tenant, user_id, code, now_ms,
             [device_name](const std::vector<Device>& devices) -> Target {
               const auto device =
                   std::find_if(devices.begin(), devices.end(),
                                [&](const Device& one) { return one.name == device_name; });
               if (device == devices.end()) return {.result = Result::kUnknown};
               if (device->verified) return {.result = Result::kAlreadyVerified};
               return {.devices = {&*device}, .verifies_device = device->name};
             });
}

absl::StatusOr<CodeCheck> VerifyCode(PgTotpStore& store, const Where& tenant,
                                     std::string_view user_id, std::string_view code,
                                     int64_t now_ms) {
  return Try(store, tenant, user_id, code, now_ms,
             [](const std::vector<Device>& devices) -> Target {
               if (devices.empty()) return {.result = Result::kUnknown};
               Target target;
               for (const Device& device : devices) {
                 if (device.verified) target.devices.push_back(&device);
               }
               return target;
             });
}

}  // namespace gatehouse::totp
