#include "libs/config/core_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "libs/base/json.h"
#include "libs/config/ip_rules.h"
#include "libs/config/process_config.h"

namespace gatehouse::config {
namespace {

SettingValue Read(std::string_view key, std::string_view json_text) {
  const auto value = json::Parse(json_text);
  EXPECT_TRUE(value.ok());
  const auto read = ReadSetting(*FindSetting(key), *value);
  EXPECT_TRUE(read.ok()) << read.status();
  return read.ok() ? *read : SettingValue();
}

std::string ReadError(std::string_view key, std::string_view json_text) {
  const auto value = json::Parse(json_text);
  EXPECT_TRUE(value.ok());
  const auto read = ReadSetting(*FindSetting(key), *value);
  return read.ok() ? "accepted" : std::string(read.status().message());
}

TEST(CoreSettings, NamesAreUniqueAndDefaultsReadAsTheirType) {
  std::set<std::string_view> names;
  for (const CoreSetting& setting : CoreSettings()) {
    EXPECT_TRUE(names.insert(setting.name).second) << setting.name;
    EXPECT_EQ(FindSetting(setting.name), &setting);
    EXPECT_FALSE(setting.description.empty()) << setting.name;
    DefaultValue(setting.id);
  }
}

TEST(CoreSettings, AliasNamesTheSameKey) {
  EXPECT_EQ(FindSetting("access_token_signing_key_update_interval")->id,
            Setting::kAccessTokenDynamicSigningKeyUpdateInterval);
  EXPECT_EQ(FindSetting("nonsense"), nullptr);
  EXPECT_EQ(FindSetting(""), nullptr);
}

TEST(CoreSettings, TenantKeys) {
  EXPECT_TRUE(IsTenantConfigKey("core_config_version"));
  EXPECT_TRUE(IsTenantConfigKey("postgresql_connection_uri"));
  EXPECT_TRUE(IsTenantConfigKey("port"));  // known, and refused later as base-only
  EXPECT_FALSE(IsTenantConfigKey("supertokens_min_cdi_version"));
  EXPECT_FALSE(IsTenantConfigKey("ACCESS_TOKEN_VALIDITY"));
}

TEST(CoreSettings, ReadsNumbersInEveryFormThatTheOriginalTakes) {
  EXPECT_EQ(Read("access_token_validity", "5"), SettingValue(int64_t{5}));
  EXPECT_EQ(Read("access_token_validity", "\"5\""), SettingValue(int64_t{5}));
  EXPECT_EQ(Read("access_token_validity", "5.0"), SettingValue(int64_t{5}));
  EXPECT_EQ(Read("access_token_validity", "99999999999"), SettingValue(int64_t{99999999999}));
  EXPECT_EQ(Read("refresh_token_validity", "\"0.5\""), SettingValue(0.5));
  EXPECT_EQ(Read("firebase_password_hashing_signer_key", "1"), SettingValue(std::string("1")));
  EXPECT_EQ(Read("ip_deny_regex", "true"), SettingValue(std::string("true")));
  EXPECT_EQ(Read("access_token_blacklisting", "\"TRUE\""), SettingValue(true));
  EXPECT_EQ(Read("access_token_validity", "null"), SettingValue(std::monostate()));
}

TEST(CoreSettings, TypeErrorsNameKeyAndType) {
  for (const char* bad : {"\"x\"", "1.5", "true", "{}", "[]", "99999999999999999999", "\"\""}) {
    EXPECT_EQ(ReadError("access_token_validity", bad),
              "'access_token_validity' must be of type long");
  }
  EXPECT_EQ(ReadError("totp_max_attempts", "99999999999"),
            "'totp_max_attempts' must be of type int");
  EXPECT_EQ(ReadError("refresh_token_validity", "\"NaN\""),
            "'refresh_token_validity' must be of type double");
  EXPECT_EQ(ReadError("refresh_token_validity", "1e999"),
            "'refresh_token_validity' must be of type double");
  EXPECT_EQ(ReadError("access_token_blacklisting", "1"),
            "'access_token_blacklisting' must be of type boolean");
  EXPECT_EQ(ReadError("saml_sp_entity_id", "{}"), "'saml_sp_entity_id' must be of type String");
}

TEST(IpRules, DenyComesFirstAndMatchesWhole) {
  const auto both = IpRules::Create("10\\..*", "10\\.0\\..*");
  ASSERT_TRUE(both.ok());
  EXPECT_TRUE((*both)->Allows("10.1.0.1"));
  EXPECT_FALSE((*both)->Allows("10.0.0.1"));
  EXPECT_FALSE((*both)->Allows("192.168.0.1"));
  const auto deny = IpRules::Create(std::nullopt, "10\\.0\\.0\\.1");
  ASSERT_TRUE(deny.ok());
  EXPECT_FALSE((*deny)->Allows("10.0.0.1"));
  EXPECT_TRUE((*deny)->Allows("10.0.0.11"));
  const auto local = IpRules::Create("127\\.\\d+\\.\\d+\\.\\d+|::1|0:0:0:0:0:0:0:1", std::nullopt);
  ASSERT_TRUE(local.ok());
  EXPECT_TRUE((*local)->Allows("127.0.0.1"));
  EXPECT_TRUE((*local)->Allows("::1"));
  EXPECT_FALSE((*local)->Allows("1127.0.0.1"));
  const auto blank = IpRules::Create(" ", "");
  ASSERT_TRUE(blank.ok());
  EXPECT_TRUE((*blank)->empty());
  EXPECT_TRUE((*blank)->Allows("anything"));
}

TEST(IpRules, AnAddressIsTheSameHoweverItIsWritten) {
  struct Case {
    const char* rule;
    std::vector<const char*> same;
  };
  const Case cases[] = {
      {"::1", {"::1", "0:0:0:0:0:0:0:1", "0000::0001"}},
      {"0:0:0:0:0:0:0:1", {"::1", "0:0:0:0:0:0:0:1"}},
      {"10\\.0\\.0\\.1",
       {"10.0.0.1", "::ffff:10.0.0.1", "::FFFF:0a00:0001", "0:0:0:0:0:ffff:a00:1"}},
      {"2001:db8::a", {"2001:DB8:0:0::A", "2001:db8::a"}},
      {"2001:db8:0:0:0:0:0:a", {"2001:DB8:0:0::A", "2001:db8::a"}},
      {"fe80::2", {"fe80::2%eth0"}},
  };
  for (const Case& c : cases) {
    const auto deny = IpRules::Create(std::nullopt, c.rule);
    const auto allow = IpRules::Create(c.rule, std::nullopt);
    ASSERT_TRUE(deny.ok() && allow.ok());
    for (const char* address : c.same) {
      EXPECT_FALSE((*deny)->Allows(address)) << c.rule << " " << address;
      EXPECT_TRUE((*allow)->Allows(address)) << c.rule << " " << address;
    }
    for (const char* address : {"::2", "10.0.0.2", "::10.0.0.1", "not an address"}) {
      EXPECT_TRUE((*deny)->Allows(address)) << c.rule << " " << address;
    }
  }
  const auto no_ipv6 = IpRules::Create(std::nullopt, ".*:.*");
  EXPECT_TRUE((*no_ipv6)->Allows("::ffff:10.0.0.1"));
}

TEST(IpRules, RefusesWhatIsNoExpression) {
  EXPECT_EQ(IpRules::Create("(", std::nullopt).status().message(),
            "Provided regular expression is invalid for ip_allow_regex config");
  EXPECT_EQ(IpRules::Create(std::nullopt, "(").status().message(),
            "Provided regular expression is invalid for ip_deny_regex config");
  EXPECT_FALSE(IpRules::Create(std::string(100000, 'a'), std::nullopt).ok());
}

// docs/configuration.md is written by hand: no key may be missing there.
TEST(Documentation, NamesEveryKey) {
  std::ifstream file(GATEHOUSE_SOURCE_DIR "/docs/configuration.md");
  std::stringstream text;
  text << file.rdbuf();
  const std::string page = text.str();
  ASSERT_FALSE(page.empty());
  for (const CoreSetting& setting : CoreSettings()) {
    EXPECT_NE(page.find("`" + std::string(setting.name) + "`"), std::string::npos) << setting.name;
  }
  for (const ProcessSetting& setting : ProcessSettings()) {
    EXPECT_NE(page.find("`" + std::string(setting.name) + "`"), std::string::npos) << setting.name;
  }
}

}  // namespace
}  // namespace gatehouse::config
