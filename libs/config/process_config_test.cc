#include "libs/config/process_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace gatehouse::config {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ProcessConfigTest : public ::testing::Test {
 protected:
  std::string Write(const std::string& name, const std::string& text) {
    const std::string path = ::testing::TempDir() + "/gatehouse_" +
                             ::testing::UnitTest::GetInstance()->current_test_info()->name() + name;
    std::ofstream(path) << text;
    written_.push_back(path);
    return path;
  }
  void TearDown() override {
    for (const std::string& path : written_) std::filesystem::remove(path);
  }

  static std::vector<std::string> Keys(const ConfigReport& report) {
    std::vector<std::string> keys;
    for (const ConfigProblem& problem : report.problems) keys.push_back(problem.key);
    return keys;
  }

  std::vector<std::string> written_;
};

TEST_F(ProcessConfigTest, NothingConfiguredIsValid) {
  const auto config = LoadProcessConfig({});
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->host, "localhost");
  EXPECT_EQ(config->port, 3567);
  EXPECT_EQ(config->admin_host, "127.0.0.1");
  EXPECT_EQ(config->admin_port, 3568);
  EXPECT_FALSE(config->test_mode);
  EXPECT_FALSE(config->split());
  EXPECT_FALSE(config->core->db().configured);
  EXPECT_EQ(config->service("users").pool_size, 0);
}

TEST_F(ProcessConfigTest, OverridesBeatEnvironmentBeatsFile) {
  ConfigSources sources;
  sources.yaml_path = Write("a.yaml",
                            "core_config_version: 0\nport: 1000\nhost: 10.0.0.1\n"
                            "access_token_validity: 100\npostgresql_user: \"me\"\napi_keys:\n");
  sources.environment = {{"SUPERTOKENS_PORT", "2000"},
                         {"ACCESS_TOKEN_VALIDITY", "\"200\""},
                         {"POSTGRESQL_PASSWORD", "\"a\\\"b\""}};
  sources.overrides = {{"port", "3000"}};
  const auto config = LoadProcessConfig(sources);
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->port, 3000);
  EXPECT_EQ(config->host, "10.0.0.1");
  EXPECT_EQ(config->core->access_token_validity_s(), 200);
  EXPECT_EQ(config->core->db().user, "me");
  EXPECT_EQ(config->core->db().password, "a\"b");
}

TEST_F(ProcessConfigTest, TellsEverythingThatIsWrongByKey) {
  ConfigSources sources;
  sources.yaml_path = Write("a.yaml",
                            "access_token_validity: 0\ntotp_max_attempts: many\nport: [1]\n"
                            "nonsense: 1\ngatehouse_session_address: nowhere\n");
  sources.environment = {{"GATEHOUSE_ADMIN_PORT", "99999"},
                         {"GATEHOUSE_NO_SUCH", "1"},
                         {"GATEHOUSE_INTERNAL_SECRET", "short"},
                         {"ARGON2_PARALLELISM", "x"},
                         {"BCRYPT_LOG_ROUNDS", "31"}};
  const ConfigReport report = CheckProcessConfig(sources);
  const std::vector<std::string> keys = Keys(report);
  for (const char* key :
       {"core_config_version", "access_token_validity", "totp_max_attempts", "port",
        "gatehouse_session_address", "gatehouse_admin_port", "gatehouse_internal_secret",
        "argon2_parallelism", "bcrypt_log_rounds"}) {
    EXPECT_THAT(keys, Contains(key));
  }
  EXPECT_THAT(report.config.warnings, Contains(HasSubstr("nonsense")));
  EXPECT_THAT(report.config.warnings, Contains(HasSubstr("GATEHOUSE_NO_SUCH")));
  EXPECT_THAT(std::string(LoadProcessConfig(sources).status().message()),
              HasSubstr("totp_max_attempts: 'totp_max_attempts' must be of type int"));
}

TEST_F(ProcessConfigTest, HashesThatNoSignUpCouldAffordAreRefusedAtOnce) {
  const auto problems = [](const char* name, const char* value) {
    ConfigSources sources;
    sources.environment = {{name, value}};
    return Keys(CheckProcessConfig(sources));
  };
  EXPECT_THAT(problems("BCRYPT_LOG_ROUNDS", "17"), IsEmpty());
  EXPECT_THAT(problems("BCRYPT_LOG_ROUNDS", "18"), ElementsAre("bcrypt_log_rounds"));
  EXPECT_THAT(problems("ARGON2_MEMORY_KB", "1048576"), IsEmpty());
  EXPECT_THAT(problems("ARGON2_MEMORY_KB", "1048577"), ElementsAre("argon2_memory_kb"));
  EXPECT_THAT(problems("ARGON2_PARALLELISM", "64"), IsEmpty());
  EXPECT_THAT(problems("ARGON2_PARALLELISM", "65"), ElementsAre("argon2_parallelism"));
  EXPECT_THAT(problems("ARGON2_ITERATIONS", "47"), IsEmpty());
  EXPECT_THAT(problems("ARGON2_ITERATIONS", "48"), ElementsAre("argon2_iterations"));
}

TEST_F(ProcessConfigTest, SaysWhereItsFileIs) {
  ConfigSources sources;
  EXPECT_EQ(LoadProcessConfig(sources)->yaml_path, "");
  sources.yaml_path = Write("a.yaml", "core_config_version: 0\n");
  const std::string path = std::filesystem::canonical(sources.yaml_path).string();
  EXPECT_EQ(LoadProcessConfig(sources)->yaml_path, path);
  sources.yaml_path.insert(sources.yaml_path.rfind('/'), "/.");
  EXPECT_EQ(LoadProcessConfig(sources)->yaml_path, path);
}

TEST_F(ProcessConfigTest, BrokenAndMissingFiles) {
  ConfigSources sources;
  sources.yaml_path = Write("a.yaml", "core_config_version: [\n");
  EXPECT_THAT(Keys(CheckProcessConfig(sources)), Contains("config.yaml"));
  sources.yaml_path = Write("b.yaml", "- 1\n");
  EXPECT_THAT(Keys(CheckProcessConfig(sources)), Contains("config.yaml"));
  sources.yaml_path += ".missing";
  EXPECT_THAT(Keys(CheckProcessConfig(sources)), Contains("config.yaml"));
}

TEST_F(ProcessConfigTest, SecretsFromFiles) {
  const std::string path = Write("secret", "0123456789012345678901234567890123456789\n");
  ConfigSources sources;
  sources.environment = {{"GATEHOUSE_INTERNAL_SECRET_FILE", path},
                         {"API_KEYS_FILE", path},
                         {"POSTGRESQL_USER", "u"},
                         {"GATEHOUSE_USERS_DATABASE_USER", "users_role"},
                         {"GATEHOUSE_USERS_DATABASE_PASSWORD_FILE", path}};
  const auto config = LoadProcessConfig(sources);
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->internal_secret, "0123456789012345678901234567890123456789");
  EXPECT_TRUE(config->core->HasApiKey("0123456789012345678901234567890123456789"));
  EXPECT_EQ(config->service("users").database_user, "users_role");
  EXPECT_EQ(config->service("users").database_password, config->internal_secret);

  sources.environment["API_KEYS"] = "abcdefghijklmnopqrstuvwxyz";
  EXPECT_FALSE(LoadProcessConfig(sources).ok());
  sources.environment.erase("API_KEYS");
  sources.environment["API_KEYS_FILE"] = path + ".missing";
  EXPECT_THAT(Keys(CheckProcessConfig(sources)), Contains("api_keys_file"));
}

// As in the original's image.
TEST_F(ProcessConfigTest, AFileMayWinOverTheEnvironment) {
  const std::string key(40, 'k'), other(40, 'o');
  ConfigSources sources;
  sources.environment = {{"ACCESS_TOKEN_VALIDITY", "60"}, {"API_KEYS_FILE", Write("key", key)},
                         {"LOG_LEVEL", "WARN"}, {"POSTGRESQL_PASSWORD", "p"}};
  sources.yaml_path = Write("wins.yaml", "core_config_version: 0\naccess_token_validity: 70\n"
                                         "api_keys: " + other + "\n" +
                                         "postgresql_password_file: " + Write("other", other));
  sources.yaml_wins = true;
  auto config = LoadProcessConfig(sources);
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->core->access_token_validity_s(), 70);
  EXPECT_TRUE(config->core->HasApiKey(other));
  EXPECT_FALSE(config->core->HasApiKey(key));
  EXPECT_EQ(config->log_level, LogLevel::kWarn);
  EXPECT_EQ(config->core->db().password, other);
  sources.overrides["access_token_validity"] = "80";
  EXPECT_EQ(LoadProcessConfig(sources)->core->access_token_validity_s(), 80);
  sources.overrides.clear();
  sources.yaml_wins = false;
  sources.environment.erase("API_KEYS_FILE");
  sources.environment.erase("POSTGRESQL_PASSWORD");
  EXPECT_EQ(LoadProcessConfig(sources)->core->access_token_validity_s(), 60);
}

TEST_F(ProcessConfigTest, SplitModeNeedsASecretWhereOthersCanReachIt) {
  ConfigSources sources;
  sources.environment = {{"GATEHOUSE_SESSION_ADDRESS", "unix:/run/gatehouse/session.sock"},
                         {"GATEHOUSE_USERS_ADDRESS", "127.0.0.1:7000"}};
  auto config = LoadProcessConfig(sources);
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_TRUE(config->split());
  sources.environment["GATEHOUSE_ROLES_ADDRESS"] = "roles:7000";
  EXPECT_THAT(Keys(CheckProcessConfig(sources)), Contains("gatehouse_roles_address"));
  sources.environment["GATEHOUSE_INTERNAL_SECRET"] = std::string(32, 's');
  EXPECT_TRUE(LoadProcessConfig(sources).ok());
}

TEST_F(ProcessConfigTest, TlsFilesComeTogether) {
  ConfigSources sources;
  sources.environment = {{"GATEHOUSE_TLS_CERT_FILE", Write("cert", "x")}};
  const std::vector<std::string> keys = Keys(CheckProcessConfig(sources));
  EXPECT_THAT(keys, Contains("gatehouse_tls_key_file"));
  EXPECT_THAT(keys, Contains("gatehouse_tls_ca_file"));
}

TEST_F(ProcessConfigTest, DatabaseHostWithoutUserWouldBeIgnored) {
  ConfigSources sources;
  sources.environment = {{"POSTGRESQL_HOST", "db.example"}};
  EXPECT_THAT(Keys(CheckProcessConfig(sources)), Contains("postgresql_host"));
}

TEST_F(ProcessConfigTest, TestModeWorksForTestsAndIsRefusedInProduction) {
  ConfigSources sources;
  sources.overrides = {{"gatehouse_test_mode", "true"}};
  sources.environment = {{"ACCESS_TOKEN_DYNAMIC_SIGNING_KEY_UPDATE_INTERVAL", "0.001"},
                         {"SUPERTOKENS_HOST", "0.0.0.0"},
                         {"POSTGRESQL_CONNECTION_URI", "postgresql://u:p@127.0.0.1:5432/x"},
                         {"API_KEYS", "abcdefghijklmnopqrstuvwxyz"}};
  const auto config = LoadProcessConfig(sources);
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_TRUE(config->core->test_mode());

  const std::pair<std::string, std::string> signs[] = {
      {"POSTGRESQL_CONNECTION_URI", "postgresql://u:p@db.example/x"},
      {"SUPERTOKENS_HOST", "203.0.113.5"},
      {"SUPERTOKENS_SAAS_SECRET", std::string(40, 'a')},
      {"SUPERTOKENS_SAAS_LOAD_ONLY_CUD", "a.example"},
      {"SUPERTOKENS_MIGRATION_MODE", "DUAL_WRITE_READ_NEW"}};
  for (const auto& [name, value] : signs) {
    ConfigSources production = sources;
    production.environment[name] = value;
    EXPECT_THAT(Keys(CheckProcessConfig(production)), Contains("gatehouse_test_mode")) << name;
  }
}

TEST_F(ProcessConfigTest, ProblemsHoldNoSecrets) {
  ConfigSources sources;
  sources.environment = {{"POSTGRESQL_CONNECTION_URI", "postgresql://u:hunter2 @h/x"},
                         {"API_KEYS", "hunter2"},
                         {"GATEHOUSE_INTERNAL_SECRET", "hunter2"}};
  const auto config = LoadProcessConfig(sources);
  ASSERT_FALSE(config.ok());
  EXPECT_EQ(std::string(config.status().message()).find("hunter2"), std::string::npos);
}

}  // namespace
}  // namespace gatehouse::config
