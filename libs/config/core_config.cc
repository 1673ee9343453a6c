#include "libs/config/core_config.h"

#include <algorithm>
#include <cmath>

#include "libs/base/status.h"
#include "libs/config/setting_layers.h"
#include "libs/crypto/bytes.h"

namespace gatehouse::config {
namespace {

// Some 30,000 years: far above any use, and far below the range in which adding a time overflows.
constexpr int64_t kMaxDurationMs = 1'000'000'000'000'000;

int64_t ToDurationMs(double ms) {
  if (ms >= static_cast<double>(kMaxDurationMs)) return kMaxDurationMs;
  if (ms <= -static_cast<double>(kMaxDurationMs)) return -kMaxDurationMs;
  return static_cast<int64_t>(ms);
}

absl::Status FirstIssue(const std::vector<SettingIssue>& issues) {
  return issues.empty() ? absl::OkStatus() : absl::InvalidArgumentError(issues.front().text);
}

}  // namespace

absl::StatusOr<std::shared_ptr<const CoreConfig>> CoreConfig::Resolve(
    const BaseConfig& base, std::span<const json::Value* const> layers) {
  std::shared_ptr<CoreConfig> config(new CoreConfig);
  config->test_mode_ = base.test_mode;
  std::vector<SettingIssue> issues;
  RETURN_IF_ERROR(ResolveValues(base, layers, /*scope_is_database=*/true, config->values_));
  config->db_ = std::make_shared<const DbSettings>(ReadDbSettings(config->values_, issues));
  CheckCredentialsBelong(base, layers, issues);
  RETURN_IF_ERROR(FirstIssue(issues));
  RETURN_IF_ERROR(ResolveValues(base, layers, /*scope_is_database=*/false, config->values_));
  config->Check(issues);
  RETURN_IF_ERROR(FirstIssue(issues));
  return std::shared_ptr<const CoreConfig>(std::move(config));
}

absl::StatusOr<std::shared_ptr<const DbSettings>> CoreConfig::ResolveDatabase(
    const BaseConfig& base, std::span<const json::Value* const> layers) {
  std::array<SettingValue, kSettingCount> values;
  std::vector<SettingIssue> issues;
  RETURN_IF_ERROR(ResolveValues(base, layers, /*scope_is_database=*/true, values));
  auto settings = std::make_shared<const DbSettings>(ReadDbSettings(values, issues));
  CheckCredentialsBelong(base, layers, issues);
  RETURN_IF_ERROR(FirstIssue(issues));
  return settings;
}

std::vector<SettingIssue> CoreConfig::FindIssues(const BaseConfig& base) {
  CoreConfig config;
  config.test_mode_ = base.test_mode;
  std::vector<SettingIssue> issues;
  // Without layers nothing is read from JSON, so these do not fail.
  (void)ResolveValues(base, {}, /*scope_is_database=*/true, config.values_);
  config.db_ = std::make_shared<const DbSettings>(ReadDbSettings(config.values_, issues));
  (void)ResolveValues(base, {}, /*scope_is_database=*/false, config.values_);
  config.Check(issues);
  config.CheckHashingCosts(issues);
  return issues;
}

int64_t CoreConfig::Int(Setting id) const { return std::get<int64_t>(value(id)); }
double CoreConfig::Double(Setting id) const { return std::get<double>(value(id)); }
bool CoreConfig::Bool(Setting id) const { return std::get<bool>(value(id)); }
const std::string* CoreConfig::Text(Setting id) const {
  return std::get_if<std::string>(&value(id));
}

int64_t CoreConfig::DurationMs(Setting id) const {
  return std::clamp(Int(id), -kMaxDurationMs, kMaxDurationMs);
}

int64_t CoreConfig::refresh_token_validity_ms() const {
  return ToDurationMs(Double(Setting::kRefreshTokenValidity) * 60 * 1000);
}

int64_t CoreConfig::access_token_dynamic_signing_key_update_interval_ms() const {
  const double hours = Double(Setting::kAccessTokenDynamicSigningKeyUpdateInterval);
  return std::max<int64_t>(1, ToDurationMs(hours * 3600 * 1000));
}

int CoreConfig::argon2_hashing_pool_size() const {
  return static_cast<int>(std::max<int64_t>(1, Int(Setting::kArgon2HashingPoolSize)));
}

int CoreConfig::firebase_password_hashing_pool_size() const {
  return static_cast<int>(std::max<int64_t>(1, Int(Setting::kFirebasePasswordHashingPoolSize)));
}

bool CoreConfig::HasApiKey(std::string_view key) const {
  // Every key is compared, so that the time does not reveal which one nearly matched.
  bool found = false;
  for (const std::string& candidate : api_keys_) {
    found |= crypto::ConstantTimeEqual(candidate, key);
  }
  return found;
}

}  // namespace gatehouse::config
