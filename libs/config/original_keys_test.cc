// Every key of the original's config.yaml, with its environment variable, up to 12.4: written from
// its documentation, not from our table.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "libs/config/config_sources.h"
#include "libs/config/core_settings.h"
#include "libs/config/process_config.h"

namespace gatehouse::config {
namespace {

using ::testing::HasSubstr;

struct Row {
  const char* key;
  const char* variable;  // null: none
  const char* good;
  const char* bad;  // null: any text is good
};

constexpr char kUrl[] = "https://auth.example.com";

constexpr Row kRows[] = {
    {"access_token_validity", "ACCESS_TOKEN_VALIDITY", "100", "0"},
    {"access_token_blacklisting", "ACCESS_TOKEN_BLACKLISTING", "true", "maybe"},
    {"refresh_token_validity", "REFRESH_TOKEN_VALIDITY", "60000.5", "1"},
    {"refresh_token_rotation_grace_period", "REFRESH_TOKEN_ROTATION_GRACE_PERIOD", "0", "301"},
    {"access_token_validity_jitter", "ACCESS_TOKEN_VALIDITY_JITTER", "0.1", "0.3"},
    {"recent_token_reuse_behaviour", "RECENT_TOKEN_REUSE_BEHAVIOUR", "UNAUTHORISED", "NOTHING"},
    {"password_reset_token_lifetime", "PASSWORD_RESET_TOKEN_LIFETIME", "1", "0"},
    {"email_verification_token_lifetime", "EMAIL_VERIFICATION_TOKEN_LIFETIME", "1", "0"},
    {"passwordless_max_code_input_attempts", "PASSWORDLESS_MAX_CODE_INPUT_ATTEMPTS", "1", "0"},
    {"passwordless_code_lifetime", "PASSWORDLESS_CODE_LIFETIME", "1", "0"},
    {"totp_max_attempts", "TOTP_MAX_ATTEMPTS", "1", "0"},
    {"totp_rate_limit_cooldown_sec", "TOTP_RATE_LIMIT_COOLDOWN_SEC", "1", "0"},
    {"info_log_path", "INFO_LOG_PATH", "/var/log/info.log", nullptr},
    {"error_log_path", "ERROR_LOG_PATH", "null", nullptr},
    {"access_token_signing_key_dynamic", "ACCESS_TOKEN_SIGNING_KEY_DYNAMIC", "false", "0"},
    {"access_token_dynamic_signing_key_update_interval",
     "ACCESS_TOKEN_DYNAMIC_SIGNING_KEY_UPDATE_INTERVAL", "1.5", "0.5"},
    {"port", "SUPERTOKENS_PORT", "4000", "99999"},
    {"host", "SUPERTOKENS_HOST", "0.0.0.0", nullptr},
    {"max_server_pool_size", "MAX_SERVER_POOL_SIZE", "20", "0"},
    {"api_keys", "API_KEYS", "aaaaaaaaaaaaaaaaaaaa,bbbbbbbbbbbbbbbbbbbb", "short"},
    {"disable_telemetry", "DISABLE_TELEMETRY", "true", "yes"},
    {"password_hashing_alg", "PASSWORD_HASHING_ALG", "ARGON2", "MD5"},
    {"argon2_iterations", "ARGON2_ITERATIONS", "2", "x"},
    {"argon2_memory_kb", "ARGON2_MEMORY_KB", "65536", "99999999"},
    {"argon2_parallelism", "ARGON2_PARALLELISM", "4", "1000"},
    {"argon2_hashing_pool_size", "ARGON2_HASHING_POOL_SIZE", "2", "x"},
    {"firebase_password_hashing_pool_size", "FIREBASE_PASSWORD_HASHING_POOL_SIZE", "2", "x"},
    {"bcrypt_log_rounds", "BCRYPT_LOG_ROUNDS", "12", "40"},
    {"webserver_https_enabled", nullptr, "false", "perhaps"},
    {"base_path", "BASE_PATH", "/auth", "a b"},
    {"log_level", "LOG_LEVEL", "DEBUG", "LOUD"},
    {"firebase_password_hashing_signer_key", "FIREBASE_PASSWORD_HASHING_SIGNER_KEY", "key",
     nullptr},
    {"ip_allow_regex", "IP_ALLOW_REGEX", "127\\..*", "("},
    {"ip_deny_regex", "IP_DENY_REGEX", "10\\..*", "("},
    {"oauth_provider_public_service_url", "OAUTH_PROVIDER_PUBLIC_SERVICE_URL", nullptr, "ftp://x"},
    {"oauth_provider_admin_service_url", "OAUTH_PROVIDER_ADMIN_SERVICE_URL", nullptr, "ftp://x"},
    {"oauth_provider_consent_login_base_url", "OAUTH_PROVIDER_CONSENT_LOGIN_BASE_URL", nullptr,
     "ftp://x"},
    {"oauth_provider_url_configured_in_oauth_provider",
     "OAUTH_PROVIDER_URL_CONFIGURED_IN_OAUTH_PROVIDER", kUrl, "ftp://x"},
    {"oauth_client_secret_encryption_key", "OAUTH_CLIENT_SECRET_ENCRYPTION_KEY", "key", nullptr},
    {"supertokens_saas_secret", "SUPERTOKENS_SAAS_SECRET", nullptr, "short"},
    {"supertokens_max_cdi_version", "SUPERTOKENS_MAX_CDI_VERSION", "5.2", "9.9"},
    {"supertokens_min_cdi_version", "SUPERTOKENS_MIN_CDI_VERSION", "4.0", "x"},
    {"supertokens_saas_load_only_cud", "SUPERTOKENS_SAAS_LOAD_ONLY_CUD", "example.com", nullptr},
    {"saml_legacy_acs_url", "SAML_LEGACY_ACS_URL", kUrl, nullptr},
    {"saml_sp_entity_id", "SAML_SP_ENTITY_ID", "me", nullptr},
    {"saml_claims_validity", "SAML_CLAIMS_VALIDITY", "1000", "x"},
    {"saml_relay_state_validity", "SAML_RELAY_STATE_VALIDITY", "1000", "x"},
    {"bulk_migration_parallelism", "BULK_MIGRATION_PARALLELISM", "2", "0"},
    {"bulk_migration_batch_size", "BULK_MIGRATION_BATCH_SIZE", "100", "0"},
    {"bulk_migration_sleep_between_rounds_in_batch_ms",
     "BULK_MIGRATION_SLEEP_BETWEEN_ROUNDS_IN_BATCH_MS", "5", "x"},
    {"webauthn_recover_account_token_lifetime", "WEBAUTHN_RECOVER_ACCOUNT_TOKEN_LIFETIME", "1",
     "0"},
    {"otel_collector_connection_uri", "OTEL_COLLECTOR_CONNECTION_URI", "http://otel:4317", nullptr},
    {"deadlock_logger_enable", "DEADLOCK_LOGGER_ENABLE", "true", "x"},
    // 12.2 to 12.4
    {"schema_check_strict_mode", "SCHEMA_CHECK_STRICT_MODE", "false", "x"},
    {"activity_log_retention_days", "ACTIVITY_LOG_RETENTION_DAYS", "7", "0"},
    {"activity_log_throttle_enabled", "ACTIVITY_LOG_THROTTLE_ENABLED", "false", "x"},
    {"max_concurrent_requests_per_cud", "MAX_CONCURRENT_REQUESTS_PER_CUD", "10", "11"},
    {"concurrency_cap_reserved_pool_percent", "CONCURRENCY_CAP_RESERVED_POOL_PERCENT", "100",
     "101"},
    {"admin_port", "SUPERTOKENS_ADMIN_PORT", "3600", "3567"},
    {"admin_max_server_pool_size", "ADMIN_MAX_SERVER_POOL_SIZE", "1", "x"},
    {"admin_only_paths", "ADMIN_ONLY_PATHS", nullptr, "/recipe/user"},
    {"admin_preferred_paths", "ADMIN_PREFERRED_PATHS", nullptr, "/recipe/user"},
    // PostgreSQL
    {"postgresql_config_version", nullptr, "0", "x"},
    {"postgresql_connection_pool_size", "POSTGRESQL_CONNECTION_POOL_SIZE", "3", "0"},
    {"postgresql_host", "POSTGRESQL_HOST", nullptr, "a host without a user"},
    {"postgresql_port", "POSTGRESQL_PORT", "5433", "70000"},
    {"postgresql_user", "POSTGRESQL_USER", "me", nullptr},
    {"postgresql_password", "POSTGRESQL_PASSWORD", "secret", nullptr},
    {"postgresql_database_name", "POSTGRESQL_DATABASE_NAME", "auth", nullptr},
    {"postgresql_table_names_prefix", "POSTGRESQL_TABLE_NAMES_PREFIX", "st", "a b"},
    {"postgresql_key_value_table_name", "POSTGRESQL_KEY_VALUE_TABLE_NAME", "kv", "a b"},
    {"postgresql_session_info_table_name", "POSTGRESQL_SESSION_INFO_TABLE_NAME", "si", "a b"},
    {"postgresql_emailpassword_users_table_name", "POSTGRESQL_EMAILPASSWORD_USERS_TABLE_NAME", "eu",
     "a b"},
    {"postgresql_emailpassword_pswd_reset_tokens_table_name",
     "POSTGRESQL_EMAILPASSWORD_PSWD_RESET_TOKENS_TABLE_NAME", "er", "a b"},
    {"postgresql_emailverification_tokens_table_name",
     "POSTGRESQL_EMAILVERIFICATION_TOKENS_TABLE_NAME", "et", "a b"},
    {"postgresql_emailverification_verified_emails_table_name",
     "POSTGRESQL_EMAILVERIFICATION_VERIFIED_EMAILS_TABLE_NAME", "ev", "a b"},
    {"postgresql_thirdparty_users_table_name", "POSTGRESQL_THIRDPARTY_USERS_TABLE_NAME", "tu",
     "a b"},
    {"postgresql_table_schema", "POSTGRESQL_TABLE_SCHEMA", "auth", "a b"},
    {"postgresql_connection_uri", "POSTGRESQL_CONNECTION_URI", "postgresql://me:pw@db/auth",
     "mysql"},
    {"postgresql_connection_attributes", "POSTGRESQL_CONNECTION_ATTRIBUTES", "ssl=true", nullptr},
    {"postgresql_connection_scheme", "POSTGRESQL_CONNECTION_SCHEME", "postgresql", nullptr},
    {"postgresql_idle_connection_timeout", "POSTGRESQL_IDLE_CONNECTION_TIMEOUT", "1000", "x"},
    {"postgresql_minimum_idle_connections", "POSTGRESQL_MINIMUM_IDLE_CONNECTIONS", "2", "11"},
    {"migration_mode", "SUPERTOKENS_MIGRATION_MODE", "DUAL_WRITE_READ_NEW", "NONE"},
};

bool Names(const ConfigReport& report, const char* key) {
  for (const ConfigProblem& problem : report.problems) {
    if (problem.key == key) return true;
  }
  return false;
}

ConfigReport FromFile(const std::string& lines) {
  const std::string path = ::testing::TempDir() + "/gatehouse_original_keys.yaml";
  std::ofstream(path) << "core_config_version: 0\n" << lines;
  ConfigSources sources;
  sources.yaml_path = path;
  ConfigReport report = CheckProcessConfig(sources);
  std::filesystem::remove(path);
  return report;
}

TEST(OriginalKeys, EachIsKnownAndCheckedInFileAndEnvironment) {
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.key);
    for (const char* text : {row.good, row.bad}) {
      if (text == nullptr) continue;
      const bool is_bad = text == row.bad;
      const ConfigReport file = FromFile(std::string(row.key) + ": '" + text + "'\n");
      EXPECT_EQ(Names(file, row.key), is_bad) << text;
      EXPECT_TRUE(file.config.warnings.empty());
      if (!is_bad) {
        EXPECT_TRUE(file.problems.empty());
      }
      if (row.variable == nullptr) continue;
      ConfigSources sources;
      sources.environment = {{row.variable, text}};
      const ConfigReport environment = CheckProcessConfig(sources);
      EXPECT_EQ(Names(environment, row.key), is_bad) << text;
      EXPECT_TRUE(environment.config.warnings.empty());
    }
  }
}

TEST(OriginalKeys, TheTableHasNoOthersButOurs) {
  for (const CoreSetting& setting : CoreSettings()) {
    bool found =
        setting.id == Setting::kCoreConfigVersion || setting.name.starts_with("gatehouse_");
    for (const Row& row : kRows) found |= setting.name == row.key;
    EXPECT_TRUE(found) << setting.name;
  }
}

TEST(OriginalKeys, KeysThatBelongTogether) {
  EXPECT_TRUE(FromFile("oauth_provider_public_service_url: https://a\n"
                       "oauth_provider_admin_service_url: https://b\n"
                       "oauth_provider_consent_login_base_url: https://c\n"
                       "api_keys: aaaaaaaaaaaaaaaaaaaa\n"
                       "supertokens_saas_secret: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n"
                       "postgresql_host: db\npostgresql_user: me\n"
                       "admin_port: 3600\nadmin_only_paths: /users, recipe/user/\n"
                       "admin_preferred_paths: /users/count\n")
                  .problems.empty());
  EXPECT_TRUE(FromFile("admin_port: 3600\nadmin_only_paths: /users\n").config.warnings.empty());
  EXPECT_TRUE(Names(FromFile("admin_port: 3600\ngatehouse_admin_port: 3600\n"),
                    "gatehouse_admin_port"));
  const ConfigReport both = FromFile(
      "admin_port: 3600\nadmin_only_paths: /users,/recipe/user/\n"
      "admin_preferred_paths: recipe/user\n");
  ASSERT_EQ(both.problems.size(), 1u);
  EXPECT_THAT(both.problems[0].text,
              HasSubstr("'/recipe/user' cannot be listed in both 'admin_only_paths'"));
  EXPECT_TRUE(Names(FromFile("admin_port: 3600\nadmin_max_server_pool_size: 0\n"),
                    "admin_max_server_pool_size"));
  EXPECT_TRUE(FromFile("admin_max_server_pool_size: 0\nadmin_port:\n").problems.empty());
}

TEST(OriginalKeys, UnknownVariablesAreNamedButNotAddressesOfServices) {
  ConfigSources sources;
  sources.environment = {{"POSTGRESQL_PASWORD", "x"},
                         {"SUPERTOKENS_HOTS", "x"},
                         {"POSTGRESQL_PASSWORD_FILES", "x"},
                         {"POSTGRESQL_SERVICE_HOST", "10.0.0.1"},
                         {"POSTGRESQL_PORT_5432_TCP_ADDR", "10.0.0.1"},
                         {"PATH", "/bin"}};
  const std::vector<std::string> warnings = CheckProcessConfig(sources).config.warnings;
  EXPECT_THAT(warnings, ::testing::UnorderedElementsAre(HasSubstr("POSTGRESQL_PASWORD:"),
                                                        HasSubstr("SUPERTOKENS_HOTS:"),
                                                        HasSubstr("POSTGRESQL_PASSWORD_FILES:")));
}

}  // namespace
}  // namespace gatehouse::config
