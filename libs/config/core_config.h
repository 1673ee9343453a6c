#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/config/core_settings.h"
#include "libs/config/db_settings.h"
#include "libs/config/ip_rules.h"

namespace gatehouse::config {

// The configuration beneath every tenant's: config.yaml overridden by the environment and the
// command line. Made by process_config.h, or directly in tests.
struct BaseConfig {
  // Keys that are set, by Setting; nullopt: not set.
  std::array<std::optional<SettingValue>, kSettingCount> values;
  // Limits as in the SDKs' own test suites: a signing-key interval under an hour, a refresh
  // validity below the access validity and any grace period are legal.
  bool test_mode = false;

  void Set(Setting id, SettingValue value) { values[static_cast<size_t>(id)] = std::move(value); }
};

// What is wrong with a key. The text is the original's if there is one, and contains no secret.
struct SettingIssue {
  Setting id;
  std::string text;
};

enum class PasswordHashingAlg { kArgon2, kBcrypt };
enum class TokenReuseBehaviour { kTokenTheft, kUnauthorised };
enum class PkceRequiredFor { kNone, kPublicClients, kAllClients };

// The resolved, checked configuration of one tenant. Immutable, so thread-safe; shared by pointer.
class CoreConfig {
 public:
  // Resolves: the first layer that has a key wins, then `base`, then the default. `layers` are
  // coreConfig objects, most specific first: tenant, (domain, app, public), (domain, public,
  // public); null pointers are skipped. A null in a layer hides the layers under it and gives the
  // default, as in the original. Unknown keys are ignored. Errors are InvalidArgument with the
  // original's text and no prefix.
  static absl::StatusOr<std::shared_ptr<const CoreConfig>> Resolve(
      const BaseConfig& base, std::span<const json::Value* const> layers);
  static absl::StatusOr<std::shared_ptr<const CoreConfig>> Resolve(const BaseConfig& base) {
    return Resolve(base, {});
  }

  // Only the database's part of Resolve(), for checks that come before the rest.
  static absl::StatusOr<std::shared_ptr<const DbSettings>> ResolveDatabase(
      const BaseConfig& base, std::span<const json::Value* const> layers);
  // Everything that is wrong with `base`; Resolve() only returns the first issue.
  static std::vector<SettingIssue> FindIssues(const BaseConfig& base);

  bool test_mode() const { return test_mode_; }
  // A key's resolved value.
  const SettingValue& value(Setting id) const { return values_[static_cast<size_t>(id)]; }

  // Sessions and signing keys.
  int64_t access_token_validity_s() const { return Int(Setting::kAccessTokenValidity); }
  int64_t access_token_validity_ms() const { return access_token_validity_s() * 1000; }
  int64_t refresh_token_validity_ms() const;
  int64_t refresh_token_rotation_grace_period_s() const {
    return Int(Setting::kRefreshTokenRotationGracePeriod);
  }
  int64_t refresh_token_rotation_grace_period_ms() const {
    return refresh_token_rotation_grace_period_s() * 1000;
  }
  // The fraction by which an access token's life is shortened at random; 0: never.
  double access_token_validity_jitter() const {
    return Double(Setting::kAccessTokenValidityJitter);
  }
  TokenReuseBehaviour recent_token_reuse_behaviour() const { return token_reuse_; }
  bool access_token_blacklisting() const { return Bool(Setting::kAccessTokenBlacklisting); }
  bool access_token_signing_key_dynamic() const {
    return Bool(Setting::kAccessTokenSigningKeyDynamic);
  }
  // At least 1 ms: in test mode the key may be 0 or below.
  int64_t access_token_dynamic_signing_key_update_interval_ms() const;

  // Passwords and one-time secrets.
  PasswordHashingAlg password_hashing_alg() const { return hashing_alg_; }
  int bcrypt_log_rounds() const;  // 4..30
  int argon2_iterations() const { return static_cast<int>(Int(Setting::kArgon2Iterations)); }
  int argon2_memory_kb() const { return static_cast<int>(Int(Setting::kArgon2MemoryKb)); }
  int argon2_parallelism() const { return static_cast<int>(Int(Setting::kArgon2Parallelism)); }
  int argon2_hashing_pool_size() const;                // at least 1
  int firebase_password_hashing_pool_size() const;     // at least 1
  // nullptr: not configured.
  const std::string* firebase_password_hashing_signer_key() const {
    return Text(Setting::kFirebasePasswordHashingSignerKey);
  }
  int64_t password_reset_token_lifetime_ms() const {
    return DurationMs(Setting::kPasswordResetTokenLifetime);
  }
  int64_t email_verification_token_lifetime_ms() const {
    return DurationMs(Setting::kEmailVerificationTokenLifetime);
  }
  int64_t passwordless_code_lifetime_ms() const {
    return DurationMs(Setting::kPasswordlessCodeLifetime);
  }
  int passwordless_max_code_input_attempts() const {
    return static_cast<int>(Int(Setting::kPasswordlessMaxCodeInputAttempts));
  }
  int totp_max_attempts() const { return static_cast<int>(Int(Setting::kTotpMaxAttempts)); }
  int64_t totp_rate_limit_cooldown_ms() const {
    return Int(Setting::kTotpRateLimitCooldownSec) * 1000;
  }
  int64_t webauthn_recover_account_token_lifetime_ms() const {
    return DurationMs(Setting::kWebauthnRecoverAccountTokenLifetime);
  }

  // Access to the API. HasApiKey compares keys in constant time; with none set everybody may call.
  const std::vector<std::string>& api_keys() const { return api_keys_; }
  bool HasApiKey(std::string_view key) const;
  // nullptr: none. Base only.
  const std::string* saas_secret() const { return Text(Setting::kSupertokensSaasSecret); }
  const std::string* saas_load_only_cud() const {
    return Text(Setting::kSupertokensSaasLoadOnlyCud);
  }
  const IpRules& ip_rules() const { return *ip_rules_; }
  // nullptr: not limited.
  const std::string* min_cdi_version() const { return Text(Setting::kSupertokensMinCdiVersion); }
  const std::string* max_cdi_version() const { return Text(Setting::kSupertokensMaxCdiVersion); }
  // "" or "/a/b".
  const std::string& base_path() const { return base_path_; }

  // Other recipes.
  const std::string* oauth_provider_public_service_url() const {
    return Text(Setting::kOauthProviderPublicServiceUrl);
  }
  const std::string* oauth_provider_consent_login_base_url() const {
    return Text(Setting::kOauthProviderConsentLoginBaseUrl);
  }
  const std::string* oauth_client_secret_encryption_key() const {
    return Text(Setting::kOauthClientSecretEncryptionKey);
  }
  // Whether answers to authorization requests have `iss`.
  bool oauth_response_iss() const { return Bool(Setting::kGatehouseOauthResponseIss); }
  PkceRequiredFor oauth_pkce_required_for() const { return pkce_required_for_; }
  // Of one client in one process; 0: any number.
  int64_t oauth_failed_authentications_per_minute() const {
    return Int(Setting::kGatehouseOauthFailedAuthenticationsPerMinute);
  }
  int64_t oauth_token_requests_per_minute() const {
    return Int(Setting::kGatehouseOauthTokenRequestsPerMinute);
  }
  const std::string* saml_legacy_acs_url() const { return Text(Setting::kSamlLegacyAcsUrl); }
  const std::string& saml_sp_entity_id() const { return *Text(Setting::kSamlSpEntityId); }
  int64_t saml_claims_validity_ms() const { return DurationMs(Setting::kSamlClaimsValidity); }
  int64_t saml_relay_state_validity_ms() const {
    return DurationMs(Setting::kSamlRelayStateValidity);
  }
  int bulk_migration_parallelism() const {
    return static_cast<int>(Int(Setting::kBulkMigrationParallelism));
  }
  int bulk_migration_batch_size() const {
    return static_cast<int>(Int(Setting::kBulkMigrationBatchSize));
  }
  bool disable_telemetry() const { return Bool(Setting::kDisableTelemetry); }

  const DbSettings& db() const { return *db_; }
  MigrationMode migration_mode() const { return db_->migration_mode; }

 private:
  CoreConfig() = default;

  int64_t Int(Setting id) const;
  // At most some 30,000 years, so that adding a time does not overflow.
  int64_t DurationMs(Setting id) const;
  double Double(Setting id) const;
  bool Bool(Setting id) const;
  const std::string* Text(Setting id) const;

  // Each adds what is wrong to `issues`, in the original's order.
  void Check(std::vector<SettingIssue>& issues);
  void CheckLimits(std::vector<SettingIssue>& issues) const;
  void CheckApiKeysAndSecret(std::vector<SettingIssue>& issues);
  void CheckHashing(std::vector<SettingIssue>& issues);
  // The algorithms' own limits, where the original's are wider. For the base only: for tenants
  // these keys are refused anyway, with the original's text.
  void CheckHashingCosts(std::vector<SettingIssue>& issues) const;
  void CheckServer(std::vector<SettingIssue>& issues);
  void CheckIpRules(std::vector<SettingIssue>& issues);
  void CheckCdiVersions(std::vector<SettingIssue>& issues) const;
  void CheckUrls(std::vector<SettingIssue>& issues) const;
  // Keys of 12.4 that have no effect here.
  void CheckAdminPort(std::vector<SettingIssue>& issues) const;

  std::array<SettingValue, kSettingCount> values_;
  std::vector<std::string> api_keys_;
  std::string base_path_;
  std::shared_ptr<const IpRules> ip_rules_;
  std::shared_ptr<const DbSettings> db_;
  PasswordHashingAlg hashing_alg_ = PasswordHashingAlg::kBcrypt;
  TokenReuseBehaviour token_reuse_ = TokenReuseBehaviour::kTokenTheft;
  PkceRequiredFor pkce_required_for_ = PkceRequiredFor::kNone;
  bool test_mode_ = false;
};

}  // namespace gatehouse::config
