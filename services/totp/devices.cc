#include "services/totp/devices.h"

#include <algorithm>
#include <map>
#include <utility>

#include "libs/base/problem.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/crypto/base32.h"
#include "libs/crypto/bytes.h"

namespace gatehouse::totp {
namespace {

constexpr size_t kSecretBytes = 20;  // SHA-1's length, as RFC 4226 recommends

const Device* Find(const std::vector<Device>& devices, std::string_view name) {
  const auto found = std::find_if(devices.begin(), devices.end(),
                                  [name](const Device& device) { return device.name == name; });
  return found == devices.end() ? nullptr : &*found;
}

// An unverified device may be replaced.
bool IsFree(const std::vector<Device>& devices, std::string_view name) {
  const Device* device = Find(devices, name);
  return device == nullptr || !device->verified;
}

std::string FreeName(const std::vector<Device>& devices) {
  auto number = std::count_if(devices.begin(), devices.end(),
                              [](const Device& device) { return device.verified; });
  for (;; ++number) {
    std::string name = StrCat("TOTP Device ", std::to_string(number));
    if (IsFree(devices, name)) return name;
  }
}

absl::Status Check(std::string_view user_id, const NewDevice& wanted) {
  RETURN_IF_ERROR(RequireText("userId", user_id));
  if (wanted.name.has_value()) RETURN_IF_ERROR(RequireText("deviceName", *wanted.name));
  if (wanted.secret_key.has_value()) RETURN_IF_ERROR(RequireText("secretKey", *wanted.secret_key));
  if (wanted.skew < 0) {
    return BadInput(Problem::kOutOfRange, "skew must be >= 0", {{"field", "skew"}});
  }
  if (wanted.period_s <= 0) {
    return BadInput(Problem::kOutOfRange, "period must be > 0", {{"field", "period"}});
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status RequireText(std::string_view field, std::string_view text) {
  if (!text.empty()) return absl::OkStatus();
  return BadInput(Problem::kEmpty, StrCat(field, " cannot be empty"),
                  {{"field", std::string(field)}});
}

absl::StatusOr<std::optional<Device>> CreateDevice(PgTotpStore& store, const Where& app,
                                                   std::string_view user_id,
                                                   const NewDevice& wanted, int64_t now_ms) {
  RETURN_IF_ERROR(Check(user_id, wanted));
  Device device = {.name = wanted.name.value_or(""),
                   .secret_key = "",
                   .period_s = wanted.period_s,
                   .skew = wanted.skew,
                   .verified = wanted.secret_key.has_value()};
  device.secret_key = wanted.secret_key.has_value()
                          ? *wanted.secret_key
                          : crypto::Base32Encode(crypto::RandomBytes(kSecretBytes));
  return store.CreateDevice(
      app, user_id, now_ms,
      [&](const std::vector<Device>& existing) -> absl::StatusOr<std::optional<Device>> {
        if (!wanted.name.has_value()) {
          device.name = FreeName(existing);
        } else if (!IsFree(existing, device.name)) {
          return std::nullopt;
        }
        if (existing.size() >= kMaxDevices && Find(existing, device.name) == nullptr) {
          return BadInput(
              Problem::kTooMany,
              StrCat("A user cannot have more than ", std::to_string(kMaxDevices), " TOTP devices"),
              {{"field", "deviceName"}, {"max", std::to_string(kMaxDevices)}});
        }
        return device;
      });
}

absl::StatusOr<std::vector<size_t>> ImportDevices(PgTotpStore& store, const Where& app,
                                                  const std::vector<UserDevice>& devices,
                                                  int64_t now_ms, bool check_only) {
  std::vector<UserDevice> first;  // of each name
  std::map<std::pair<std::string, std::string>, size_t> places;
  std::vector<size_t> taken;
  for (size_t i = 0; i < devices.size(); ++i) {
    const auto& [user_id, device] = devices[i];
    RETURN_IF_ERROR(Check(user_id, {.name = device.name,
                                    .period_s = device.period_s,
                                    .skew = device.skew,
                                    .secret_key = device.secret_key}));
    if (places.try_emplace({user_id, device.name}, i).second) {
      first.push_back(devices[i]);
    } else {
      taken.push_back(i);
    }
  }
  ASSIGN_OR_RETURN(const auto refused, check_only ? store.FindTakenNames(app, first)
                                                  : store.ImportDevices(app, first, now_ms));
  for (const auto& key : refused) taken.push_back(places.at(key));
  return taken;
}

}  // namespace gatehouse::totp
