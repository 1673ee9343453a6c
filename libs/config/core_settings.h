#pragma once

// The one table of every configuration key that the SuperTokens core knows, and of Gatehouse's own
// that a tenant's coreConfig may have: names, types, defaults, limits, where each may be set, and
// its environment variable. Code that reads, checks, lists or documents configuration walks it.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace gatehouse::json {
class Value;
}

namespace gatehouse::config {

// Java's names, because they are in the error texts.
enum class SettingType : uint8_t { kInt, kLong, kDouble, kBoolean, kString };
// "int", "long", "double", "boolean", "String".
std::string_view SettingTypeName(SettingType type);

enum class SettingScope : uint8_t {
  kBaseOnly,   // config.yaml or environment; never in a tenant's coreConfig
  kPerDomain,  // may be set for a connection URI domain; all its apps and tenants have one value
  kPerApp,     // may be set for an app or tenant, but all tenants of an app resolve to one value
  kPerTenant,  // each tenant its own
  kDatabase,   // which database, and how it is used
};

// In the order in which the original declares them, which decides the order of its error texts.
enum class Setting : uint8_t {
  kCoreConfigVersion,
  kAccessTokenValidity,
  kAccessTokenBlacklisting,
  kRefreshTokenValidity,
  kRefreshTokenRotationGracePeriod,
  kAccessTokenValidityJitter,
  kRecentTokenReuseBehaviour,
  kPasswordResetTokenLifetime,
  kEmailVerificationTokenLifetime,
  kPasswordlessMaxCodeInputAttempts,
  kPasswordlessCodeLifetime,
  kTotpMaxAttempts,
  kTotpRateLimitCooldownSec,
  kInfoLogPath,
  kErrorLogPath,
  kAccessTokenSigningKeyDynamic,
  kAccessTokenDynamicSigningKeyUpdateInterval,
  kPort,
  kHost,
  kMaxServerPoolSize,
  kApiKeys,
  kDisableTelemetry,
  kPasswordHashingAlg,
  kArgon2Iterations,
  kArgon2MemoryKb,
  kArgon2Parallelism,
  kArgon2HashingPoolSize,
  kFirebasePasswordHashingPoolSize,
  kBcryptLogRounds,
  kWebserverHttpsEnabled,
  kBasePath,
  kLogLevel,
  kFirebasePasswordHashingSignerKey,
  kIpAllowRegex,
  kIpDenyRegex,
  kOauthProviderPublicServiceUrl,
  kOauthProviderAdminServiceUrl,
  kOauthProviderConsentLoginBaseUrl,
  kOauthProviderUrlConfiguredInOauthProvider,
  kOauthClientSecretEncryptionKey,
  kSupertokensSaasSecret,
  kSupertokensMaxCdiVersion,
  kSupertokensMinCdiVersion,
  kSupertokensSaasLoadOnlyCud,
  kSamlLegacyAcsUrl,
  kSamlSpEntityId,
  kSamlClaimsValidity,
  kSamlRelayStateValidity,
  kBulkMigrationParallelism,
  kBulkMigrationBatchSize,
  kBulkMigrationSleepBetweenRoundsInBatchMs,
  kWebauthnRecoverAccountTokenLifetime,
  kOtelCollectorConnectionUri,
  kDeadlockLoggerEnable,
  kSchemaCheckStrictMode,
  kActivityLogRetentionDays,
  kActivityLogThrottleEnabled,
  kMaxConcurrentRequestsPerCud,
  kConcurrencyCapReservedPoolPercent,
  kAdminPort,
  kAdminMaxServerPoolSize,
  kAdminOnlyPaths,
  kAdminPreferredPaths,
  kPostgresqlConfigVersion,
  kPostgresqlConnectionPoolSize,
  kPostgresqlHost,
  kPostgresqlPort,
  kPostgresqlUser,
  kPostgresqlPassword,
  kPostgresqlDatabaseName,
  kPostgresqlTableNamesPrefix,
  kPostgresqlKeyValueTableName,
  kPostgresqlSessionInfoTableName,
  kPostgresqlEmailpasswordUsersTableName,
  kPostgresqlEmailpasswordPswdResetTokensTableName,
  kPostgresqlEmailverificationTokensTableName,
  kPostgresqlEmailverificationVerifiedEmailsTableName,
  kPostgresqlThirdpartyUsersTableName,
  kPostgresqlTableSchema,
  kPostgresqlConnectionUri,
  kPostgresqlConnectionAttributes,
  kPostgresqlConnectionScheme,
  kPostgresqlIdleConnectionTimeout,
  kPostgresqlMinimumIdleConnections,
  kMigrationMode,
  // Gatehouse's own.
  kGatehouseOauthResponseIss,
  kGatehouseOauthPkceRequiredFor,
  kGatehouseOauthFailedAuthenticationsPerMinute,
  kGatehouseOauthTokenRequestsPerMinute,
  kCount,
};
inline constexpr size_t kSettingCount = static_cast<size_t>(Setting::kCount);

enum SettingFlag : unsigned {
  kProtected = 1u << 0,        // with a SaaS secret set, only its holder sees or changes it
  kSecret = 1u << 1,           // never in logs; may come from a file (<key>_file, <ENV>_FILE)
  kHidden = 1u << 2,           // not listed in the dashboard
  kDeprecated = 1u << 3,       // not listed in the dashboard; honoured
  kUnusedHere = 1u << 4,       // accepted and checked; without effect in Gatehouse
  kNoTenantKey = 1u << 5,      // not a valid key of a tenant's coreConfig at all
  kOneUserPool = 1u << 6,      // all tenants of one database must agree
  kEditable = 1u << 7,         // a database key that the dashboard lets its user edit
  kRelaxedInTests = 1u << 8,   // the limits do not hold in test mode
};

// The value of a key: monostate is null. Integers of either type are int64_t.
using SettingValue = std::variant<std::monostate, bool, int64_t, double, std::string>;

struct CoreSetting {
  Setting id;
  std::string_view name;
  SettingType type;
  SettingScope scope;
  unsigned flags;
  std::string_view env;           // environment variable; empty: none
  std::string_view default_text;  // as in YAML; "null" for none
  std::string_view limits;        // for people, such as "1..86400000"; empty: any
  std::string_view description;
  std::string_view alias = {};    // another name for the same key
  std::array<std::string_view, 5> choices = {};  // of an enumeration; the rest empty

  bool Has(SettingFlag flag) const { return (flags & flag) != 0; }
  // Whether the dashboard's list of configuration keys shows it.
  bool ListedInDashboard() const;
};

// All keys, in the order of `Setting`.
std::span<const CoreSetting> CoreSettings();
const CoreSetting& SettingOf(Setting id);
// By name or alias; nullptr when there is no such key.
const CoreSetting* FindSetting(std::string_view name);
// Whether a tenant's coreConfig may have this key (it may still be refused as base-only).
bool IsTenantConfigKey(std::string_view name);

// The default: the value of a key that no layer sets. bulk_migration_parallelism's is the number of
// processors. In test mode disable_telemetry is true, and gatehouse_oauth_response_iss false.
SettingValue DefaultValue(Setting id, bool test_mode = false);

// Reads a JSON value as `setting`'s type: numbers and "true"/"false" are taken from strings too,
// null gives monostate. Otherwise a plain InvalidArgument `'<key>' must be of type <type>`.
absl::StatusOr<SettingValue> ReadSetting(const CoreSetting& setting, const json::Value& value);
// The same for text from the environment or the command line.
absl::StatusOr<SettingValue> ReadSettingText(const CoreSetting& setting, std::string_view text);

// The CDI versions that can be named, oldest first: "2.7" ... "5.6".
std::span<const std::string_view> SupportedCdiVersions();

}  // namespace gatehouse::config
