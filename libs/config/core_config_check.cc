// The limits of the keys and how their values are normalised. The order is the original's: of
// several faults, the original's first one is reported.

#include <algorithm>
#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "libs/config/api_paths.h"
#include "libs/config/core_config.h"
#include "libs/crypto/password.h"

namespace gatehouse::config {
namespace {

using Issues = std::vector<SettingIssue>;

constexpr size_t kMinApiKeyBytes = 20;
constexpr size_t kMinSaasSecretBytes = 40;
constexpr int64_t kMinArgon2KbPerLane = 8;  // libargon2's
// The most that libs/crypto spends on one hash: beyond it every sign-up would fail.
constexpr int64_t kMinBcryptLogRounds = crypto::kMinBcryptCost;
constexpr int64_t kMaxBcryptLogRounds = crypto::kMaxBcryptCost;
constexpr int64_t kMaxArgon2MemoryKb = crypto::kMaxArgon2MemoryKb;
constexpr int64_t kMaxArgon2WorkKb = crypto::kMaxArgon2WorkKb;
constexpr int64_t kMaxArgon2Parallelism = crypto::kMaxArgon2Parallelism;
constexpr double kNoLimit = std::numeric_limits<double>::infinity();
constexpr double kMaxPerMinute = 60e6;  // a million a second: more than one process answers
constexpr std::string_view kDefaultSamlEntityId = "https://saml.supertokens.com";

struct Limit {
  Setting id;
  double min;
  double max;
  const char* text;
};

constexpr Limit kSessionLimits[] = {
    {Setting::kAccessTokenValidity, 1, 86400000,
     "'access_token_validity' must be between 1 and 86400000 seconds inclusive."},
    {Setting::kAccessTokenDynamicSigningKeyUpdateInterval, 1, kNoLimit,
     "'access_token_dynamic_signing_key_update_interval' must be greater than, equal to 1 hour."},
    {Setting::kRefreshTokenRotationGracePeriod, 0, 300,
     "'refresh_token_rotation_grace_period' must be between 0 and 300 seconds inclusive."},
    {Setting::kAccessTokenValidityJitter, 0, 0.25,
     "'access_token_validity_jitter' must be between 0 and 0.25 inclusive."},
    {Setting::kPasswordResetTokenLifetime, 1, kNoLimit,
     "'password_reset_token_lifetime' must be >= 0"},
    {Setting::kEmailVerificationTokenLifetime, 1, kNoLimit,
     "'email_verification_token_lifetime' must be >= 0"},
    {Setting::kPasswordlessCodeLifetime, 1, kNoLimit, "'passwordless_code_lifetime' must be > 0"},
    {Setting::kPasswordlessMaxCodeInputAttempts, 1, kNoLimit,
     "'passwordless_max_code_input_attempts' must be > 0"},
    {Setting::kTotpMaxAttempts, 1, kNoLimit, "'totp_max_attempts' must be > 0"},
    {Setting::kTotpRateLimitCooldownSec, 1, kNoLimit, "'totp_rate_limit_cooldown_sec' must be > 0"},
    {Setting::kMaxServerPoolSize, 1, kNoLimit, "'max_server_pool_size' must be >= 1."},
};

constexpr Limit kLaterLimits[] = {
    {Setting::kBulkMigrationParallelism, 1, kNoLimit,
     "Provided bulk_migration_parallelism must be >= 1"},
    {Setting::kBulkMigrationBatchSize, 1, kNoLimit,
     "Provided bulk_migration_batch_size must be >= 1"},
    {Setting::kWebauthnRecoverAccountTokenLifetime, 1, kNoLimit,
     "Provided webauthn_recover_account_token_lifetime must be > 0"},
    {Setting::kActivityLogRetentionDays, 1, kNoLimit,
     "Provided activity_log_retention_days must be >= 1"},
    {Setting::kMaxConcurrentRequestsPerCud, 0, kNoLimit,
     "'max_concurrent_requests_per_cud' must be >= 0"},
    {Setting::kConcurrencyCapReservedPoolPercent, 1, 100,
     "'concurrency_cap_reserved_pool_percent' must be between 1 and 100 inclusive"},
    {Setting::kGatehouseOauthFailedAuthenticationsPerMinute, 0, kMaxPerMinute,
     "'gatehouse_oauth_failed_authentications_per_minute' must be between 0 and 60000000"},
    {Setting::kGatehouseOauthTokenRequestsPerMinute, 0, kMaxPerMinute,
     "'gatehouse_oauth_token_requests_per_minute' must be between 0 and 60000000"},
};

bool IsKeyText(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return absl::ascii_isalnum(c) || c == '=' || c == '-';
  });
}

// {major, minor}; nullopt when `text` is not a version.
std::optional<std::vector<int>> ReadVersion(const std::string& text) {
  std::vector<int> parts;
  for (absl::string_view part : absl::StrSplit(text, '.')) {
    int number = 0;
    if (part.empty() || !absl::ascii_isdigit(part.front()) || !absl::SimpleAtoi(part, &number)) {
      return std::nullopt;
    }
    parts.push_back(number);
  }
  return parts;
}

bool IsSupportedVersion(std::string_view text) {
  const auto versions = SupportedCdiVersions();
  return std::find(versions.begin(), versions.end(), text) != versions.end();
}

bool IsUrl(const std::string& text) {
  return absl::StartsWithIgnoreCase(text, "http://") ||
         absl::StartsWithIgnoreCase(text, "https://");
}

std::string NormalBasePath(std::string path) {
  while (absl::StrContains(path, "//")) path = absl::StrReplaceAll(path, {{"//", "/"}});
  if (path.empty() || path == "/") return "";
  if (path.front() != '/') path.insert(0, 1, '/');
  if (path.back() == '/') path.pop_back();
  return path;
}

}  // namespace

std::vector<std::string> ReadApiPaths(const std::string* text) {
  std::vector<std::string> paths;
  if (text == nullptr) return paths;
  for (absl::string_view part : absl::StrSplit(*text, ',', absl::SkipWhitespace())) {
    paths.push_back(NormalBasePath(std::string(absl::StripAsciiWhitespace(part))));
  }
  return paths;
}

void CoreConfig::Check(Issues& issues) {
  CheckLimits(issues);
  CheckApiKeysAndSecret(issues);
  CheckHashing(issues);
  CheckServer(issues);
  CheckIpRules(issues);
  CheckCdiVersions(issues);
  for (const Limit& limit : kLaterLimits) {
    const int64_t number = Int(limit.id);
    if (number < limit.min || number > limit.max) issues.push_back({limit.id, limit.text});
  }
  if (Int(Setting::kMaxConcurrentRequestsPerCud) > Int(Setting::kMaxServerPoolSize)) {
    issues.push_back({Setting::kMaxConcurrentRequestsPerCud,
                      "'max_concurrent_requests_per_cud' must be <= 'max_server_pool_size'"});
  }
  const std::string* reuse = Text(Setting::kRecentTokenReuseBehaviour);
  if (reuse != nullptr && absl::EqualsIgnoreCase(*reuse, "UNAUTHORISED")) {
    token_reuse_ = TokenReuseBehaviour::kUnauthorised;
  } else if (reuse == nullptr || !absl::EqualsIgnoreCase(*reuse, "TOKEN_THEFT")) {
    issues.push_back({Setting::kRecentTokenReuseBehaviour,
                      "recent_token_reuse_behaviour property is not set correctly. It must be one "
                      "of [TOKEN_THEFT, UNAUTHORISED]"});
  }
  const std::string* pkce = Text(Setting::kGatehouseOauthPkceRequiredFor);
  if (pkce != nullptr && absl::EqualsIgnoreCase(*pkce, "ALL_CLIENTS")) {
    pkce_required_for_ = PkceRequiredFor::kAllClients;
  } else if (pkce != nullptr && absl::EqualsIgnoreCase(*pkce, "PUBLIC_CLIENTS")) {
    pkce_required_for_ = PkceRequiredFor::kPublicClients;
  } else if (pkce == nullptr || !absl::EqualsIgnoreCase(*pkce, "NONE")) {
    issues.push_back({Setting::kGatehouseOauthPkceRequiredFor,
                      "'gatehouse_oauth_pkce_required_for' must be one of 'NONE', "
                      "'PUBLIC_CLIENTS' or 'ALL_CLIENTS'"});
  }
  CheckUrls(issues);
  CheckAdminPort(issues);

  SettingValue& entity_id = values_[static_cast<size_t>(Setting::kSamlSpEntityId)];
  if (!std::holds_alternative<std::string>(entity_id)) {
    entity_id = std::string(kDefaultSamlEntityId);
  }
}

void CoreConfig::CheckLimits(Issues& issues) const {
  for (const Limit& limit : kSessionLimits) {
    if (test_mode_ && SettingOf(limit.id).Has(kRelaxedInTests)) continue;
    const SettingValue& v = value(limit.id);
    const double number = std::holds_alternative<double>(v)
                              ? std::get<double>(v)
                              : static_cast<double>(std::get<int64_t>(v));
    if (!(number >= limit.min && number <= limit.max)) issues.push_back({limit.id, limit.text});
    if (limit.id == Setting::kAccessTokenValidity && !test_mode_ &&
        !(Double(Setting::kRefreshTokenValidity) * 60 > number)) {
      issues.push_back({Setting::kRefreshTokenValidity,
                        "'refresh_token_validity' must be strictly greater than "
                        "'access_token_validity'."});
    }
  }
}

void CoreConfig::CheckApiKeysAndSecret(Issues& issues) {
  api_keys_.clear();
  const std::string* keys = Text(Setting::kApiKeys);
  if (keys != nullptr) {
    // Blanks within a key are refused, not dropped; a trailing comma is ignored.
    std::vector<absl::string_view> parts = absl::StrSplit(*keys, ',');
    while (parts.size() > 1 && parts.back().empty()) parts.pop_back();
    for (absl::string_view part : parts) {
      const absl::string_view key = absl::StripAsciiWhitespace(part);
      if (key.size() < kMinApiKeyBytes) {
        issues.push_back({Setting::kApiKeys,
                          "One of the API keys is too short. Please use at least 20 characters"});
        break;
      }
      if (!IsKeyText({key.data(), key.size()})) {
        issues.push_back({Setting::kApiKeys,
                          "Invalid characters in API key. Please only use '=', '-' and "
                          "alpha-numeric (including capitals)"});
        break;
      }
      api_keys_.emplace_back(key);
    }
    std::sort(api_keys_.begin(), api_keys_.end());
    api_keys_.erase(std::unique(api_keys_.begin(), api_keys_.end()), api_keys_.end());
  }
  const std::string* secret = Text(Setting::kSupertokensSaasSecret);
  if (secret == nullptr) return;
  if (keys == nullptr) {
    issues.push_back({Setting::kSupertokensSaasSecret,
                      "supertokens_saas_secret can only be used when api_key is also defined"});
  } else if (secret->size() < kMinSaasSecretBytes) {
    issues.push_back({Setting::kSupertokensSaasSecret,
                      "supertokens_saas_secret is too short. Please use at least 40 characters"});
  } else if (!IsKeyText(*secret)) {
    issues.push_back({Setting::kSupertokensSaasSecret,
                      "Invalid characters in supertokens_saas_secret key. Please only use '=', '-' "
                      "and alpha-numeric (including capitals)"});
  }
}

void CoreConfig::CheckHashing(Issues& issues) {
  const std::string* alg = Text(Setting::kPasswordHashingAlg);
  if (alg != nullptr && absl::EqualsIgnoreCase(*alg, "ARGON2")) {
    hashing_alg_ = PasswordHashingAlg::kArgon2;
  } else if (alg != nullptr && absl::EqualsIgnoreCase(*alg, "BCRYPT")) {
    hashing_alg_ = PasswordHashingAlg::kBcrypt;
  } else {
    issues.push_back({Setting::kPasswordHashingAlg,
                      "'password_hashing_alg' must be one of 'ARGON2' or 'BCRYPT'"});
    return;
  }
  if (hashing_alg_ == PasswordHashingAlg::kBcrypt) {
    const int64_t rounds = Int(Setting::kBcryptLogRounds);
    if (rounds <= 0) {
      issues.push_back({Setting::kBcryptLogRounds, "'bcrypt_log_rounds' must be >= 1"});
    }
    return;
  }
  const int64_t lanes = Int(Setting::kArgon2Parallelism);
  const int64_t memory_kb = Int(Setting::kArgon2MemoryKb);
  const int64_t pool_size = Int(Setting::kArgon2HashingPoolSize);
  if (Int(Setting::kArgon2Iterations) <= 0) {
    issues.push_back({Setting::kArgon2Iterations, "'argon2_iterations' must be >= 1"});
  }
  if (lanes <= 0) {
    issues.push_back({Setting::kArgon2Parallelism, "'argon2_parallelism' must be >= 1"});
  }
  if (memory_kb <= 0) {
    issues.push_back({Setting::kArgon2MemoryKb, "'argon2_memory_kb' must be >= 1"});
  }
  if (pool_size <= 0) {
    issues.push_back({Setting::kArgon2HashingPoolSize, "'argon2_hashing_pool_size' must be >= 1"});
  } else if (pool_size > Int(Setting::kMaxServerPoolSize)) {
    issues.push_back({Setting::kArgon2HashingPoolSize,
                      "'argon2_hashing_pool_size' must be <= 'max_server_pool_size'"});
  }
}

void CoreConfig::CheckHashingCosts(Issues& issues) const {
  const int64_t rounds = Int(Setting::kBcryptLogRounds);
  if (rounds > 0 && (rounds < kMinBcryptLogRounds || rounds > kMaxBcryptLogRounds)) {
    issues.push_back({Setting::kBcryptLogRounds,
                      absl::StrCat("'bcrypt_log_rounds' must be between ", kMinBcryptLogRounds,
                                   " and ", kMaxBcryptLogRounds, " inclusive")});
  }
  const int64_t lanes = Int(Setting::kArgon2Parallelism);
  const int64_t memory_kb = Int(Setting::kArgon2MemoryKb);
  if (lanes > kMaxArgon2Parallelism) {
    issues.push_back(
        {Setting::kArgon2Parallelism,
         absl::StrCat("'argon2_parallelism' must be at most ", kMaxArgon2Parallelism)});
  } else if (memory_kb > 0 && memory_kb < kMinArgon2KbPerLane * lanes) {
    issues.push_back({Setting::kArgon2MemoryKb,
                      "'argon2_memory_kb' must be at least 8 times 'argon2_parallelism'"});
  }
  if (memory_kb > kMaxArgon2MemoryKb) {
    issues.push_back({Setting::kArgon2MemoryKb,
                      absl::StrCat("'argon2_memory_kb' must be at most ", kMaxArgon2MemoryKb)});
  } else if (memory_kb > 0 && Int(Setting::kArgon2Iterations) > kMaxArgon2WorkKb / memory_kb) {
    issues.push_back({Setting::kArgon2Iterations,
                      absl::StrCat("'argon2_iterations' times 'argon2_memory_kb' must be at most ",
                                   kMaxArgon2WorkKb)});
  }
}

int CoreConfig::bcrypt_log_rounds() const {
  return static_cast<int>(
      std::clamp(Int(Setting::kBcryptLogRounds), kMinBcryptLogRounds, kMaxBcryptLogRounds));
}

void CoreConfig::CheckServer(Issues& issues) {
  const std::string* path = Text(Setting::kBasePath);
  base_path_ = NormalBasePath(path == nullptr ? std::string() : *path);
  if (absl::StrContains(base_path_, " ")) {
    issues.push_back({Setting::kBasePath, "Invalid characters in base_path config"});
  }
  const std::string* level = Text(Setting::kLogLevel);
  const auto& levels = SettingOf(Setting::kLogLevel).choices;
  const bool known =
      level != nullptr && std::any_of(levels.begin(), levels.end(), [level](std::string_view name) {
        return absl::EqualsIgnoreCase(absl::string_view(name.data(), name.size()), *level);
      });
  if (!known) {
    issues.push_back({Setting::kLogLevel,
                      "'log_level' config must be one of \"NONE\",\"DEBUG\", \"INFO\", \"WARN\" or "
                      "\"ERROR\"."});
  }
}

void CoreConfig::CheckAdminPort(Issues& issues) const {
  const std::vector<std::string> only = ReadApiPaths(Text(Setting::kAdminOnlyPaths));
  const std::vector<std::string> preferred = ReadApiPaths(Text(Setting::kAdminPreferredPaths));
  const int64_t* port = std::get_if<int64_t>(&value(Setting::kAdminPort));
  if (port == nullptr) {
    if (only.empty() && preferred.empty()) return;
    issues.push_back(
        {only.empty() ? Setting::kAdminPreferredPaths : Setting::kAdminOnlyPaths,
         "'admin_only_paths' and 'admin_preferred_paths' require 'admin_port' to be set."});
    return;
  }
  if (*port < 1 || *port > 65535) {
    issues.push_back({Setting::kAdminPort, "'admin_port' must be between 1 and 65535 inclusive."});
  } else if (*port == Int(Setting::kPort)) {
    issues.push_back({Setting::kAdminPort, "'admin_port' must be different from 'port'."});
  }
  if (Int(Setting::kAdminMaxServerPoolSize) < 1) {
    issues.push_back(
        {Setting::kAdminMaxServerPoolSize, "'admin_max_server_pool_size' must be >= 1."});
  }
  for (const std::string& path : only) {
    if (std::find(preferred.begin(), preferred.end(), path) == preferred.end()) continue;
    issues.push_back({Setting::kAdminOnlyPaths,
                      absl::StrCat("'", path,
                                   "' cannot be listed in both 'admin_only_paths' and "
                                   "'admin_preferred_paths'.")});
  }
}

void CoreConfig::CheckIpRules(Issues& issues) {
  const std::string* allow = Text(Setting::kIpAllowRegex);
  const std::string* deny = Text(Setting::kIpDenyRegex);
  static const auto* const no_rules =
      new std::shared_ptr<const IpRules>(std::make_shared<const IpRules>());
  ip_rules_ = *no_rules;
  if (allow == nullptr && deny == nullptr) return;
  auto optional = [](const std::string* text) {
    return text == nullptr ? std::nullopt : std::optional<std::string>(*text);
  };
  auto rules = IpRules::Create(optional(allow), optional(deny));
  if (rules.ok()) {
    ip_rules_ = *std::move(rules);
    return;
  }
  const bool allow_is_wrong = !IpRules::Create(optional(allow), std::nullopt).ok();
  issues.push_back({allow_is_wrong ? Setting::kIpAllowRegex : Setting::kIpDenyRegex,
                    std::string(rules.status().message())});
}

void CoreConfig::CheckCdiVersions(Issues& issues) const {
  for (const Setting id :
       {Setting::kSupertokensMaxCdiVersion, Setting::kSupertokensMinCdiVersion}) {
    const std::string* text = Text(id);
    if (text == nullptr) continue;
    const std::string_view key = SettingOf(id).name;
    const absl::string_view name(key.data(), key.size());
    if (!ReadVersion(*text).has_value()) {
      issues.push_back({id, absl::StrCat(name, " is not a valid semantic version")});
    } else if (!IsSupportedVersion(*text)) {
      issues.push_back({id, absl::StrCat(name, " is not a supported version")});
    }
  }
  const std::string* min = Text(Setting::kSupertokensMinCdiVersion);
  const std::string* max = Text(Setting::kSupertokensMaxCdiVersion);
  if (min == nullptr || max == nullptr) return;
  const auto min_version = ReadVersion(*min);
  const auto max_version = ReadVersion(*max);
  if (min_version.has_value() && max_version.has_value() && *min_version > *max_version) {
    issues.push_back({Setting::kSupertokensMinCdiVersion,
                      "supertokens_min_cdi_version cannot be greater than "
                      "supertokens_max_cdi_version"});
  }
}

void CoreConfig::CheckUrls(Issues& issues) const {
  constexpr Setting kUrls[] = {Setting::kOauthProviderPublicServiceUrl,
                               Setting::kOauthProviderAdminServiceUrl,
                               Setting::kOauthProviderConsentLoginBaseUrl,
                               Setting::kOauthProviderUrlConfiguredInOauthProvider};
  for (const Setting id : kUrls) {
    const std::string* url = Text(id);
    if (url == nullptr || IsUrl(*url)) continue;
    const std::string_view key = SettingOf(id).name;
    issues.push_back(
        {id, absl::StrCat(absl::string_view(key.data(), key.size()), " is not a valid URL")});
  }
  const int set = static_cast<int>(
      std::count_if(std::begin(kUrls), std::begin(kUrls) + 3,
                    [this](Setting id) { return Text(id) != nullptr; }));
  if (set != 0 && set != 3) {
    issues.push_back(
        {Setting::kOauthProviderPublicServiceUrl,
         "If any of the following is set, all of them has to be set: "
         "oauth_provider_public_service_url, oauth_provider_admin_service_url, "
         "oauth_provider_consent_login_base_url"});
  }
}

}  // namespace gatehouse::config
