#include "libs/config/core_settings.h"

#include <algorithm>
#include <thread>
#include <vector>

namespace gatehouse::config {
namespace {

constexpr std::array<CoreSetting, kSettingCount> kSettings = {{
    {Setting::kCoreConfigVersion, "core_config_version", SettingType::kInt,
     SettingScope::kPerTenant, kHidden, "", "-1",
     "",
     "Version of the layout of config.yaml. Must be there in the file; the value is not used."},
    {Setting::kAccessTokenValidity, "access_token_validity", SettingType::kLong,
     SettingScope::kPerApp, 0, "ACCESS_TOKEN_VALIDITY", "3600",
     "1..86400000",
     "How long an access token is valid, in seconds."},
    {Setting::kAccessTokenBlacklisting, "access_token_blacklisting", SettingType::kBoolean,
     SettingScope::kPerApp, kDeprecated, "ACCESS_TOKEN_BLACKLISTING", "false",
     "",
     "For CDI 2.18 and older: verifying a session always asks the database, so that revoking "
     "takes effect at once."},
    {Setting::kRefreshTokenValidity, "refresh_token_validity", SettingType::kDouble,
     SettingScope::kPerApp, kRelaxedInTests, "REFRESH_TOKEN_VALIDITY", "144000",
     "times 60 above access_token_validity",
     "How long a refresh token is valid, in minutes."},
    {Setting::kRefreshTokenRotationGracePeriod,
     "refresh_token_rotation_grace_period", SettingType::kInt,
     SettingScope::kPerApp, kRelaxedInTests, "REFRESH_TOKEN_ROTATION_GRACE_PERIOD", "30",
     "0..300",
     "For how many seconds after a rotation the refresh token before it is still accepted."},
    {Setting::kAccessTokenValidityJitter, "access_token_validity_jitter", SettingType::kDouble,
     SettingScope::kPerApp, 0, "ACCESS_TOKEN_VALIDITY_JITTER", "0",
     "0..0.25",
     "Fraction by which the life of an access token is shortened at random when it is made; 0 "
     "switches it off."},
    {Setting::kRecentTokenReuseBehaviour, "recent_token_reuse_behaviour", SettingType::kString,
     SettingScope::kBaseOnly, 0, "RECENT_TOKEN_REUSE_BEHAVIOUR", "TOKEN_THEFT",
     "TOKEN_THEFT, UNAUTHORISED",
     "What the reuse of a recently replaced refresh token is reported as. The session is revoked "
     "in either case.",
     "", {"TOKEN_THEFT", "UNAUTHORISED"}},
    {Setting::kPasswordResetTokenLifetime, "password_reset_token_lifetime", SettingType::kLong,
     SettingScope::kPerTenant, 0, "PASSWORD_RESET_TOKEN_LIFETIME", "3600000",
     "above 0",
     "How long a password-reset token is valid, in milliseconds."},
    {Setting::kEmailVerificationTokenLifetime,
     "email_verification_token_lifetime", SettingType::kLong,
     SettingScope::kPerTenant, 0, "EMAIL_VERIFICATION_TOKEN_LIFETIME", "86400000",
     "above 0",
     "How long an email-verification token is valid, in milliseconds."},
    {Setting::kPasswordlessMaxCodeInputAttempts,
     "passwordless_max_code_input_attempts", SettingType::kInt,
     SettingScope::kPerTenant, 0, "PASSWORDLESS_MAX_CODE_INPUT_ATTEMPTS", "5",
     "above 0",
     "Wrong codes that a user may enter before a passwordless login has to start over."},
    {Setting::kPasswordlessCodeLifetime, "passwordless_code_lifetime", SettingType::kLong,
     SettingScope::kPerTenant, 0, "PASSWORDLESS_CODE_LIFETIME", "900000",
     "above 0",
     "How long a passwordless code is valid, in milliseconds."},
    {Setting::kTotpMaxAttempts, "totp_max_attempts", SettingType::kInt,
     SettingScope::kPerTenant, 0, "TOTP_MAX_ATTEMPTS", "5",
     "above 0",
     "Wrong time-based codes before further attempts are refused for a while."},
    {Setting::kTotpRateLimitCooldownSec, "totp_rate_limit_cooldown_sec", SettingType::kInt,
     SettingScope::kPerTenant, 0, "TOTP_RATE_LIMIT_COOLDOWN_SEC", "900",
     "above 0",
     "For how many seconds attempts are refused once totp_max_attempts is reached."},
    {Setting::kInfoLogPath, "info_log_path", SettingType::kString,
     SettingScope::kBaseOnly, kUnusedHere, "INFO_LOG_PATH", "null",
     "",
     "Gatehouse logs to standard error, whatever this says."},
    {Setting::kErrorLogPath, "error_log_path", SettingType::kString,
     SettingScope::kBaseOnly, kUnusedHere, "ERROR_LOG_PATH", "null",
     "",
     "Gatehouse logs to standard error, whatever this says."},
    {Setting::kAccessTokenSigningKeyDynamic,
     "access_token_signing_key_dynamic", SettingType::kBoolean,
     SettingScope::kPerApp, kDeprecated, "ACCESS_TOKEN_SIGNING_KEY_DYNAMIC", "true",
     "",
     "For CDI 2.18 and older: false signs access tokens with the key that does not rotate."},
    {Setting::kAccessTokenDynamicSigningKeyUpdateInterval,
     "access_token_dynamic_signing_key_update_interval", SettingType::kDouble,
     SettingScope::kPerApp, kRelaxedInTests,
     "ACCESS_TOKEN_DYNAMIC_SIGNING_KEY_UPDATE_INTERVAL", "168",
     "at least 1",
     "Hours between rotations of the key that signs access tokens.",
     "access_token_signing_key_update_interval"},
    {Setting::kPort, "port", SettingType::kInt,
     SettingScope::kBaseOnly, 0, "SUPERTOKENS_PORT", "3567",
     "1..65535",
     "TCP port of the REST API."},
    {Setting::kHost, "host", SettingType::kString,
     SettingScope::kBaseOnly, 0, "SUPERTOKENS_HOST", "localhost",
     "",
     "Name or address that the REST API listens on; 0.0.0.0 for every address."},
    {Setting::kMaxServerPoolSize, "max_server_pool_size", SettingType::kInt,
     SettingScope::kBaseOnly, kUnusedHere, "MAX_SERVER_POOL_SIZE", "10",
     "at least 1",
     "Threads of the original's web server. Gatehouse sizes its own with gatehouse_http_threads "
     "and gatehouse_pool_size_*; argon2_hashing_pool_size may not be above it."},
    {Setting::kApiKeys, "api_keys", SettingType::kString,
     SettingScope::kPerApp, kHidden | kSecret, "API_KEYS", "null",
     "each at least 20 of A-Z a-z 0-9 = -",
     "Keys that callers must present, separated by commas; none: everybody may call."},
    {Setting::kDisableTelemetry, "disable_telemetry", SettingType::kBoolean,
     SettingScope::kPerApp, kUnusedHere, "DISABLE_TELEMETRY", "false",
     "",
     "Gatehouse never sends telemetry; kept for the tenants that set it. True in test mode "
     "unless set."},
    {Setting::kPasswordHashingAlg, "password_hashing_alg", SettingType::kString,
     SettingScope::kPerApp, 0, "PASSWORD_HASHING_ALG", "BCRYPT",
     "ARGON2, BCRYPT",
     "How new passwords are hashed. Stored hashes of every kind go on working.",
     "", {"ARGON2", "BCRYPT"}},
    {Setting::kArgon2Iterations, "argon2_iterations", SettingType::kInt,
     SettingScope::kBaseOnly, 0, "ARGON2_ITERATIONS", "1",
     "at least 1; times argon2_memory_kb at most 4194304",
     "Passes of argon2 over its memory."},
    {Setting::kArgon2MemoryKb, "argon2_memory_kb", SettingType::kInt,
     SettingScope::kBaseOnly, 0, "ARGON2_MEMORY_KB", "87795",
     "at least 8 times argon2_parallelism, at most 1048576",
     "Memory of one argon2 hash, in KiB."},
    {Setting::kArgon2Parallelism, "argon2_parallelism", SettingType::kInt,
     SettingScope::kBaseOnly, 0, "ARGON2_PARALLELISM", "2",
     "1..64",
     "Lanes of one argon2 hash."},
    {Setting::kArgon2HashingPoolSize, "argon2_hashing_pool_size", SettingType::kInt,
     SettingScope::kBaseOnly, 0, "ARGON2_HASHING_POOL_SIZE", "1",
     "1..max_server_pool_size",
     "Argon2 hashes that may be computed at once."},
    {Setting::kFirebasePasswordHashingPoolSize,
     "firebase_password_hashing_pool_size", SettingType::kInt,
     SettingScope::kBaseOnly, 0, "FIREBASE_PASSWORD_HASHING_POOL_SIZE", "1",
     "at least 1",
     "Firebase scrypt hashes that may be computed at once."},
    {Setting::kBcryptLogRounds, "bcrypt_log_rounds", SettingType::kInt,
     SettingScope::kBaseOnly, 0, "BCRYPT_LOG_ROUNDS", "11",
     "4..17",
     "Cost of bcrypt: the binary logarithm of its rounds."},
    {Setting::kWebserverHttpsEnabled, "webserver_https_enabled", SettingType::kBoolean,
     SettingScope::kBaseOnly, kUnusedHere, "", "false",
     "",
     "Not used: TLS ends in front of Gatehouse."},
    {Setting::kBasePath, "base_path", SettingType::kString,
     SettingScope::kBaseOnly, 0, "BASE_PATH", "",
     "no blanks",
     "Path that all REST paths begin with."},
    {Setting::kLogLevel, "log_level", SettingType::kString,
     SettingScope::kBaseOnly, 0, "LOG_LEVEL", "INFO",
     "NONE, DEBUG, INFO, WARN, ERROR",
     "Least severe message that is logged.",
     "", {"DEBUG", "INFO", "WARN", "ERROR", "NONE"}},
    {Setting::kFirebasePasswordHashingSignerKey,
     "firebase_password_hashing_signer_key", SettingType::kString,
     SettingScope::kPerApp, kSecret, "FIREBASE_PASSWORD_HASHING_SIGNER_KEY", "null",
     "",
     "Signer key of imported Firebase scrypt hashes."},
    {Setting::kIpAllowRegex, "ip_allow_regex", SettingType::kString,
     SettingScope::kPerTenant, kProtected, "IP_ALLOW_REGEX", "null",
     "a regular expression",
     "Client addresses that may call: the expression must match the whole address."},
    {Setting::kIpDenyRegex, "ip_deny_regex", SettingType::kString,
     SettingScope::kPerTenant, kProtected, "IP_DENY_REGEX", "null",
     "a regular expression",
     "Client addresses that may not call; looked at before ip_allow_regex."},
    {Setting::kOauthProviderPublicServiceUrl,
     "oauth_provider_public_service_url", SettingType::kString,
     SettingScope::kPerApp, kProtected | kHidden | kUnusedHere,
     "OAUTH_PROVIDER_PUBLIC_SERVICE_URL", "null",
     "a URL; all three or none",
     "Where the original finds a Hydra's public API. Gatehouse is an OAuth provider by itself."},
    {Setting::kOauthProviderAdminServiceUrl,
     "oauth_provider_admin_service_url", SettingType::kString,
     SettingScope::kPerApp, kProtected | kHidden | kUnusedHere,
     "OAUTH_PROVIDER_ADMIN_SERVICE_URL", "null",
     "a URL; all three or none",
     "Where the original finds a Hydra's administration API."},
    {Setting::kOauthProviderConsentLoginBaseUrl,
     "oauth_provider_consent_login_base_url", SettingType::kString,
     SettingScope::kPerApp, kProtected | kHidden, "OAUTH_PROVIDER_CONSENT_LOGIN_BASE_URL", "null",
     "a URL; all three or none",
     "Base URL of the application's login and consent pages."},
    {Setting::kOauthProviderUrlConfiguredInOauthProvider,
     "oauth_provider_url_configured_in_oauth_provider", SettingType::kString,
     SettingScope::kPerApp, kProtected | kHidden | kUnusedHere,
     "OAUTH_PROVIDER_URL_CONFIGURED_IN_OAUTH_PROVIDER", "null",
     "a URL",
     "URL by which a Hydra names itself, if that differs from its public one."},
    {Setting::kOauthClientSecretEncryptionKey,
     "oauth_client_secret_encryption_key", SettingType::kString,
     SettingScope::kBaseOnly, kHidden | kSecret, "OAUTH_CLIENT_SECRET_ENCRYPTION_KEY", "null",
     "",
     "Key that OAuth client secrets are encrypted with in the database."},
    {Setting::kSupertokensSaasSecret, "supertokens_saas_secret", SettingType::kString,
     SettingScope::kBaseOnly, kHidden | kSecret, "SUPERTOKENS_SAAS_SECRET", "null",
     "at least 40 of A-Z a-z 0-9 = -; needs api_keys",
     "A key accepted everywhere, whose holder alone may see and change protected configuration."},
    {Setting::kSupertokensMaxCdiVersion, "supertokens_max_cdi_version", SettingType::kString,
     SettingScope::kPerApp, kHidden, "SUPERTOKENS_MAX_CDI_VERSION", "null",
     "2.7 .. 5.7",
     "Newest API version that is offered, and the one assumed for requests that name none."},
    {Setting::kSupertokensMinCdiVersion, "supertokens_min_cdi_version", SettingType::kString,
     SettingScope::kPerApp, kHidden | kNoTenantKey, "SUPERTOKENS_MIN_CDI_VERSION", "null",
     "2.7 .. 5.7",
     "Oldest API version that is accepted."},
    {Setting::kSupertokensSaasLoadOnlyCud, "supertokens_saas_load_only_cud", SettingType::kString,
     SettingScope::kBaseOnly, kHidden, "SUPERTOKENS_SAAS_LOAD_ONLY_CUD", "null",
     "a domain",
     "The only connection URI domain that this instance serves."},
    {Setting::kSamlLegacyAcsUrl, "saml_legacy_acs_url", SettingType::kString,
     SettingScope::kPerApp, kProtected | kHidden, "SAML_LEGACY_ACS_URL", "null",
     "",
     "Assertion consumer URL for legacy SAML clients."},
    {Setting::kSamlSpEntityId, "saml_sp_entity_id", SettingType::kString,
     SettingScope::kPerTenant, 0, "SAML_SP_ENTITY_ID", "null",
     "",
     "Entity id of the SAML service provider; unset: https://saml.supertokens.com."},
    {Setting::kSamlClaimsValidity, "saml_claims_validity", SettingType::kLong,
     SettingScope::kPerTenant, 0, "SAML_CLAIMS_VALIDITY", "300000",
     "",
     "For how many milliseconds SAML claims wait to be fetched."},
    {Setting::kSamlRelayStateValidity, "saml_relay_state_validity", SettingType::kLong,
     SettingScope::kPerTenant, 0, "SAML_RELAY_STATE_VALIDITY", "300000",
     "",
     "For how many milliseconds a SAML relay state is valid."},
    {Setting::kBulkMigrationParallelism, "bulk_migration_parallelism", SettingType::kInt,
     SettingScope::kPerApp, 0, "BULK_MIGRATION_PARALLELISM", "number of processors",
     "at least 1",
     "Threads of a bulk import."},
    {Setting::kBulkMigrationBatchSize, "bulk_migration_batch_size", SettingType::kInt,
     SettingScope::kPerApp, 0, "BULK_MIGRATION_BATCH_SIZE", "8000",
     "at least 1",
     "Users that one round of a bulk import takes."},
    {Setting::kBulkMigrationSleepBetweenRoundsInBatchMs,
     "bulk_migration_sleep_between_rounds_in_batch_ms", SettingType::kInt,
     SettingScope::kPerApp, 0, "BULK_MIGRATION_SLEEP_BETWEEN_ROUNDS_IN_BATCH_MS", "1000",
     "",
     "Pause between rounds of a bulk import, in milliseconds; null for none."},
    {Setting::kWebauthnRecoverAccountTokenLifetime,
     "webauthn_recover_account_token_lifetime", SettingType::kLong,
     SettingScope::kPerApp, 0, "WEBAUTHN_RECOVER_ACCOUNT_TOKEN_LIFETIME", "3600000",
     "above 0",
     "How long a passkey recovery token is valid, in milliseconds."},
    {Setting::kOtelCollectorConnectionUri, "otel_collector_connection_uri", SettingType::kString,
     SettingScope::kBaseOnly, 0, "OTEL_COLLECTOR_CONNECTION_URI", "null",
     "",
     "URL of an OpenTelemetry collector."},
    {Setting::kDeadlockLoggerEnable, "deadlock_logger_enable", SettingType::kBoolean,
     SettingScope::kBaseOnly, kUnusedHere, "DEADLOCK_LOGGER_ENABLE", "false",
     "",
     "A diagnostic of the original's virtual machine."},
    {Setting::kSchemaCheckStrictMode, "schema_check_strict_mode", SettingType::kBoolean,
     SettingScope::kBaseOnly, kUnusedHere, "SCHEMA_CHECK_STRICT_MODE", "true",
     "",
     "Gatehouse always checks the tables at its start."},
    {Setting::kActivityLogRetentionDays, "activity_log_retention_days", SettingType::kInt,
     SettingScope::kPerDomain, kProtected | kHidden, "ACTIVITY_LOG_RETENTION_DAYS", "31",
     "at least 1",
     "Days that rows of the activity log are kept."},
    {Setting::kActivityLogThrottleEnabled, "activity_log_throttle_enabled", SettingType::kBoolean,
     SettingScope::kPerDomain, kProtected | kHidden, "ACTIVITY_LOG_THROTTLE_ENABLED",
     "true",
     "",
     "Whether a user's activity is written once in five minutes only."},
    {Setting::kMaxConcurrentRequestsPerCud,
     "max_concurrent_requests_per_cud", SettingType::kInt,
     SettingScope::kPerDomain, kProtected | kHidden, "MAX_CONCURRENT_REQUESTS_PER_CUD", "0",
     "0..max_server_pool_size",
     "Requests of one connection URI domain that one gateway answers at once, once all domains "
     "together have more than the rest of concurrency_cap_reserved_pool_percent; 0: not limited."},
    {Setting::kConcurrencyCapReservedPoolPercent,
     "concurrency_cap_reserved_pool_percent", SettingType::kInt,
     SettingScope::kBaseOnly, 0, "CONCURRENCY_CAP_RESERVED_POOL_PERCENT", "25",
     "1..100",
     "Share of max_server_pool_size that max_concurrent_requests_per_cud leaves to other domains; "
     "100: no domain ever has more than its cap."},
    {Setting::kAdminPort, "admin_port", SettingType::kInt,
     SettingScope::kBaseOnly, 0, "SUPERTOKENS_ADMIN_PORT", "null",
     "1..65535, not port",
     "A second port of the REST interface, for operators: /livez and /global-request-stats are "
     "answered there only."},
    {Setting::kAdminMaxServerPoolSize, "admin_max_server_pool_size", SettingType::kInt,
     SettingScope::kBaseOnly, kUnusedHere, "ADMIN_MAX_SERVER_POOL_SIZE", "5",
     "at least 1",
     "Threads of the original's admin_port; here both ports share theirs."},
    {Setting::kAdminOnlyPaths, "admin_only_paths", SettingType::kString,
     SettingScope::kBaseOnly, 0, "ADMIN_ONLY_PATHS", "null",
     "needs admin_port",
     "API paths that are answered on admin_port only, separated by commas."},
    {Setting::kAdminPreferredPaths, "admin_preferred_paths", SettingType::kString,
     SettingScope::kBaseOnly, 0, "ADMIN_PREFERRED_PATHS", "null",
     "needs admin_port",
     "API paths that are answered on either port, besides /hello, separated by commas."},
    {Setting::kPostgresqlConfigVersion, "postgresql_config_version", SettingType::kInt,
     SettingScope::kDatabase, kHidden | kUnusedHere, "", "-1",
     "",
     "Accepted for old files; not used."},
    {Setting::kPostgresqlConnectionPoolSize, "postgresql_connection_pool_size", SettingType::kInt,
     SettingScope::kDatabase, kProtected | kEditable, "POSTGRESQL_CONNECTION_POOL_SIZE", "10",
     "1..10000",
     "Connections to the database, for each service."},
    {Setting::kPostgresqlHost, "postgresql_host", SettingType::kString,
     SettingScope::kDatabase, kProtected, "POSTGRESQL_HOST", "null",
     "",
     "Host of the PostgreSQL server; unset: localhost."},
    {Setting::kPostgresqlPort, "postgresql_port", SettingType::kInt,
     SettingScope::kDatabase, kProtected, "POSTGRESQL_PORT", "-1",
     "up to 65535",
     "Port of the PostgreSQL server; unset: 5432."},
    {Setting::kPostgresqlUser, "postgresql_user", SettingType::kString,
     SettingScope::kDatabase, kProtected, "POSTGRESQL_USER", "null",
     "",
     "Role to connect as."},
    {Setting::kPostgresqlPassword, "postgresql_password", SettingType::kString,
     SettingScope::kDatabase, kProtected | kSecret, "POSTGRESQL_PASSWORD", "null",
     "",
     "Password of that role."},
    {Setting::kPostgresqlDatabaseName, "postgresql_database_name", SettingType::kString,
     SettingScope::kDatabase, kProtected, "POSTGRESQL_DATABASE_NAME", "null",
     "",
     "Name of the database; unset: supertokens."},
    {Setting::kPostgresqlTableNamesPrefix, "postgresql_table_names_prefix", SettingType::kString,
     SettingScope::kDatabase, kProtected | kOneUserPool, "POSTGRESQL_TABLE_NAMES_PREFIX", "",
     "a plain identifier",
     "Put before every table name, with a \"_\" between."},
    {Setting::kPostgresqlKeyValueTableName, "postgresql_key_value_table_name", SettingType::kString,
     SettingScope::kDatabase, kHidden | kOneUserPool, "POSTGRESQL_KEY_VALUE_TABLE_NAME", "null",
     "a plain identifier",
     "Replaces the name key_value."},
    {Setting::kPostgresqlSessionInfoTableName,
     "postgresql_session_info_table_name", SettingType::kString,
     SettingScope::kDatabase, kHidden | kOneUserPool, "POSTGRESQL_SESSION_INFO_TABLE_NAME", "null",
     "a plain identifier",
     "Replaces the name session_info."},
    {Setting::kPostgresqlEmailpasswordUsersTableName,
     "postgresql_emailpassword_users_table_name", SettingType::kString,
     SettingScope::kDatabase, kHidden | kOneUserPool,
     "POSTGRESQL_EMAILPASSWORD_USERS_TABLE_NAME", "null",
     "a plain identifier",
     "Replaces the name emailpassword_users."},
    {Setting::kPostgresqlEmailpasswordPswdResetTokensTableName,
     "postgresql_emailpassword_pswd_reset_tokens_table_name", SettingType::kString,
     SettingScope::kDatabase, kHidden | kOneUserPool,
     "POSTGRESQL_EMAILPASSWORD_PSWD_RESET_TOKENS_TABLE_NAME", "null",
     "a plain identifier",
     "Replaces the name emailpassword_pswd_reset_tokens."},
    {Setting::kPostgresqlEmailverificationTokensTableName,
     "postgresql_emailverification_tokens_table_name", SettingType::kString,
     SettingScope::kDatabase, kHidden | kOneUserPool,
     "POSTGRESQL_EMAILVERIFICATION_TOKENS_TABLE_NAME", "null",
     "a plain identifier",
     "Replaces the name emailverification_tokens."},
    {Setting::kPostgresqlEmailverificationVerifiedEmailsTableName,
     "postgresql_emailverification_verified_emails_table_name", SettingType::kString,
     SettingScope::kDatabase, kHidden | kOneUserPool,
     "POSTGRESQL_EMAILVERIFICATION_VERIFIED_EMAILS_TABLE_NAME", "null",
     "a plain identifier",
     "Replaces the name emailverification_verified_emails."},
    {Setting::kPostgresqlThirdpartyUsersTableName,
     "postgresql_thirdparty_users_table_name", SettingType::kString,
     SettingScope::kDatabase, kHidden | kOneUserPool,
     "POSTGRESQL_THIRDPARTY_USERS_TABLE_NAME", "null",
     "a plain identifier",
     "Replaces the name thirdparty_users."},
    {Setting::kPostgresqlTableSchema, "postgresql_table_schema", SettingType::kString,
     SettingScope::kDatabase, kProtected, "POSTGRESQL_TABLE_SCHEMA", "public",
     "a plain identifier",
     "Schema of the tables."},
    {Setting::kPostgresqlConnectionUri, "postgresql_connection_uri", SettingType::kString,
     SettingScope::kDatabase, kProtected | kSecret, "POSTGRESQL_CONNECTION_URI", "null",
     "postgresql://[user[:password]@]host[:port][/database][?attributes]",
     "All of the connection in one text. What it names wins over the single keys."},
    {Setting::kPostgresqlConnectionAttributes,
     "postgresql_connection_attributes", SettingType::kString,
     SettingScope::kDatabase, kSecret | kProtected,  // sslpassword is one of them
     "POSTGRESQL_CONNECTION_ATTRIBUTES", "allowPublicKeyRetrieval=true",
     "",
     "Further connection attributes, as in a JDBC URL; TLS attributes are passed on."},
    {Setting::kPostgresqlConnectionScheme, "postgresql_connection_scheme", SettingType::kString,
     SettingScope::kDatabase, kProtected, "POSTGRESQL_CONNECTION_SCHEME", "postgresql",
     "",
     "Accepted; the scheme is always postgresql."},
    {Setting::kPostgresqlIdleConnectionTimeout,
     "postgresql_idle_connection_timeout", SettingType::kLong,
     SettingScope::kDatabase, kProtected | kEditable, "POSTGRESQL_IDLE_CONNECTION_TIMEOUT", "60000",
     "",
     "Milliseconds after which an idle connection is closed."},
    {Setting::kPostgresqlMinimumIdleConnections,
     "postgresql_minimum_idle_connections", SettingType::kInt,
     SettingScope::kDatabase, kProtected | kEditable, "POSTGRESQL_MINIMUM_IDLE_CONNECTIONS", "null",
     "0..postgresql_connection_pool_size",
     "Connections that are kept open although idle."},
    {Setting::kMigrationMode, "migration_mode", SettingType::kString,
     SettingScope::kDatabase, 0, "SUPERTOKENS_MIGRATION_MODE", "MIGRATED",
     "LEGACY, DUAL_WRITE_READ_OLD, DUAL_WRITE_READ_NEW, MIGRATED",
     "Which user tables are written and read while moving over from an older core."},
    {Setting::kGatehouseOauthResponseIss, "gatehouse_oauth_response_iss", SettingType::kBoolean,
     SettingScope::kPerApp, kHidden, "GATEHOUSE_OAUTH_RESPONSE_ISS", "true",
     "",
     "Whether answers to OAuth authorization requests name their issuer (RFC 9207). The original's "
     "do not. False in test mode unless set."},
    {Setting::kGatehouseOauthPkceRequiredFor,
     "gatehouse_oauth_pkce_required_for", SettingType::kString,
     SettingScope::kPerApp, kHidden, "GATEHOUSE_OAUTH_PKCE_REQUIRED_FOR", "NONE",
     "NONE, PUBLIC_CLIENTS, ALL_CLIENTS",
     "OAuth clients whose requests for a code must have a PKCE challenge.",
     "", {"NONE", "PUBLIC_CLIENTS", "ALL_CLIENTS"}},
    {Setting::kGatehouseOauthFailedAuthenticationsPerMinute,
     "gatehouse_oauth_failed_authentications_per_minute", SettingType::kInt,
     SettingScope::kPerApp, kHidden | kProtected,
     "GATEHOUSE_OAUTH_FAILED_AUTHENTICATIONS_PER_MINUTE", "600",
     "0..60000000",
     "Wrong secrets of one OAuth client that one process looks at; 0: any number."},
    {Setting::kGatehouseOauthTokenRequestsPerMinute,
     "gatehouse_oauth_token_requests_per_minute", SettingType::kInt,
     SettingScope::kPerApp, kHidden | kProtected,
     "GATEHOUSE_OAUTH_TOKEN_REQUESTS_PER_MINUTE", "60000",
     "0..60000000",
     "Token requests of one OAuth client that one process answers; 0: any number."},
}};

constexpr bool RowsStandInOrder() {
  for (size_t i = 0; i < kSettings.size(); ++i) {
    if (static_cast<size_t>(kSettings[i].id) != i) return false;
  }
  return true;
}
static_assert(RowsStandInOrder());

constexpr std::string_view kCdiVersions[] = {
    "2.7",  "2.8",  "2.9",  "2.10", "2.11", "2.12", "2.13", "2.14", "2.15", "2.16", "2.17", "2.18",
    "2.19", "2.20", "2.21", "3.0",  "3.1",  "4.0",  "5.0",  "5.1",  "5.2",  "5.3",  "5.4",  "5.5",
    "5.6",  "5.7"};

// Names and aliases, sorted: look-ups happen for every key of every tenant.
struct NameRow {
  std::string_view name;
  const CoreSetting* setting;
};

const std::vector<NameRow>& NamesInOrder() {
  static const auto* const names = [] {
    auto* rows = new std::vector<NameRow>;
    for (const CoreSetting& setting : kSettings) {
      rows->push_back({setting.name, &setting});
      if (!setting.alias.empty()) rows->push_back({setting.alias, &setting});
    }
    std::sort(rows->begin(), rows->end(),
              [](const NameRow& a, const NameRow& b) { return a.name < b.name; });
    return rows;
  }();
  return *names;
}

}  // namespace

std::string_view SettingTypeName(SettingType type) {
  switch (type) {
    case SettingType::kInt:
      return "int";
    case SettingType::kLong:
      return "long";
    case SettingType::kDouble:
      return "double";
    case SettingType::kBoolean:
      return "boolean";
    case SettingType::kString:
      break;
  }
  return "String";
}

bool CoreSetting::ListedInDashboard() const {
  return scope != SettingScope::kBaseOnly && !Has(kHidden) && !Has(kDeprecated);
}

std::span<const CoreSetting> CoreSettings() { return kSettings; }

const CoreSetting& SettingOf(Setting id) { return kSettings[static_cast<size_t>(id)]; }

const CoreSetting* FindSetting(std::string_view name) {
  const std::vector<NameRow>& names = NamesInOrder();
  auto it = std::lower_bound(names.begin(), names.end(), name,
                             [](const NameRow& row, std::string_view n) { return row.name < n; });
  return it != names.end() && it->name == name ? it->setting : nullptr;
}

bool IsTenantConfigKey(std::string_view name) {
  const CoreSetting* setting = FindSetting(name);
  return setting != nullptr && !setting->Has(kNoTenantKey);
}

SettingValue DefaultValue(Setting id, bool test_mode) {
  const CoreSetting& setting = SettingOf(id);
  if (id == Setting::kBulkMigrationParallelism) {
    return static_cast<int64_t>(std::max(1u, std::thread::hardware_concurrency()));
  }
  if (id == Setting::kDisableTelemetry && test_mode) return true;
  if (id == Setting::kGatehouseOauthResponseIss && test_mode) return false;
  if (setting.default_text == "null") return std::monostate();
  return ReadSettingText(setting, setting.default_text).value();
}

std::span<const std::string_view> SupportedCdiVersions() { return kCdiVersions; }

}  // namespace gatehouse::config
