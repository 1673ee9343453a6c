#include "libs/config/reload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gatehouse::config {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kKey[] = "aaaaaaaaaaaaaaaaaaaa";
constexpr char kOtherKey[] = "bbbbbbbbbbbbbbbbbbbb";

class ReloadTest : public ::testing::Test {
 protected:
  using Environment = std::map<std::string, std::string>;

  explicit ReloadTest()
      : running_(
            LoadProcessConfig(
                From({{"API_KEYS", kKey}, {"LOG_LEVEL", "INFO"}, {"ACCESS_TOKEN_VALIDITY", "90"}}))
                .value()) {
    std::vector<ConfigProblem> problems;
    std::vector<std::string> warnings;
    texts_ = ReadSources(
        From({{"API_KEYS", kKey}, {"LOG_LEVEL", "INFO"}, {"ACCESS_TOKEN_VALIDITY", "90"}}),
        problems, warnings);
  }

  static ConfigSources From(Environment environment) {
    ConfigSources sources;
    sources.environment = std::move(environment);
    return sources;
  }
  absl::StatusOr<Reload> Read(Environment environment) {
    return ReadAgain(From(std::move(environment)), running_, texts_);
  }

  ProcessConfig running_;
  SourceTexts texts_;
};

TEST_F(ReloadTest, TakesSafeKeysAndNamesTheOthers) {
  const auto reload = Read({{"API_KEYS", kOtherKey},
                            {"LOG_LEVEL", "ERROR"},
                            {"ACCESS_TOKEN_VALIDITY", "80"},
                            {"SUPERTOKENS_PORT", "4000"},
                            {"IP_DENY_REGEX", "10.*"},
                            {"GATEHOUSE_MAX_CONNECTIONS", "5"}});
  ASSERT_TRUE(reload.ok()) << reload.status();
  EXPECT_THAT(reload->changed,
              ElementsAre("api_keys", "ip_deny_regex", "log_level", "gatehouse_max_connections"));
  EXPECT_THAT(reload->need_a_restart, ElementsAre("access_token_validity", "port"));
  const ProcessConfig& config = reload->config;
  EXPECT_TRUE(config.core->HasApiKey(kOtherKey));
  EXPECT_FALSE(config.core->HasApiKey(kKey));
  EXPECT_FALSE(config.core->ip_rules().Allows("10.0.0.1"));
  EXPECT_EQ(config.log_level, LogLevel::kError);
  EXPECT_EQ(config.max_connections, 5);
  EXPECT_EQ(config.core->access_token_validity_s(), 90);
  EXPECT_EQ(config.port, 3567);
}

TEST_F(ReloadTest, AKeyThatIsGoneHasItsDefaultAgain) {
  const auto reload = Read({{"ACCESS_TOKEN_VALIDITY", "90"}});
  ASSERT_TRUE(reload.ok());
  EXPECT_THAT(reload->changed, ElementsAre("api_keys", "log_level"));
  EXPECT_THAT(reload->config.core->api_keys(), IsEmpty());
  // Compared with what is in effect now, nothing changes a second time.
  const auto again =
      ReadAgain(From({{"ACCESS_TOKEN_VALIDITY", "90"}}), reload->config, reload->texts);
  ASSERT_TRUE(again.ok());
  EXPECT_THAT(again->changed, IsEmpty());
}

TEST_F(ReloadTest, RefusesWhatIsNotValidAsAWhole) {
  EXPECT_FALSE(Read({{"API_KEYS", "short"}, {"LOG_LEVEL", "ERROR"}}).ok());
  const std::string secret(40, 's');
  running_ =
      LoadProcessConfig(From({{"API_KEYS", kKey}, {"SUPERTOKENS_SAAS_SECRET", secret}})).value();
  // Valid by itself, but the secret stays until a restart, and needs keys.
  EXPECT_FALSE(Read({{"LOG_LEVEL", "INFO"}}).ok());
}

}  // namespace
}  // namespace gatehouse::config
