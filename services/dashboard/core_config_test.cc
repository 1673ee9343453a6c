#include "services/dashboard/core_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "libs/base/json.h"

namespace gatehouse::dashboard {
namespace {

using config::CoreConfig;
using config::Setting;
using config::SettingValue;

std::shared_ptr<const CoreConfig> Resolve(const json::Value& tenant) {
  config::BaseConfig base;
  base.Set(Setting::kPostgresqlConnectionUri,
           std::string("postgresql://root:s3cret@db.example:6432/auth"));
  const json::Value* const layers[] = {&tenant};
  auto config = CoreConfig::Resolve(base, layers);
  EXPECT_TRUE(config.ok()) << config.status();
  return *config;
}

const ConfigKey& Find(const std::vector<ConfigKey>& keys, std::string_view name) {
  const auto found = std::find_if(keys.begin(), keys.end(), [&](const ConfigKey& key) {
    return key.setting->name == name;
  });
  EXPECT_NE(found, keys.end()) << name;
  return *found;
}

bool Has(const std::vector<ConfigKey>& keys, std::string_view name) {
  return std::any_of(keys.begin(), keys.end(),
                     [&](const ConfigKey& key) { return key.setting->name == name; });
}

TEST(CoreConfigTest, ValuesAreTheTenantsAndDefaultsTheCores) {
  const auto config = Resolve(json::Value::Object({{"passwordless_code_lifetime", 600000}}));
  const std::vector<ConfigKey> keys = ListedKeys(*config, false);
  EXPECT_EQ(Find(keys, "passwordless_code_lifetime").value, SettingValue(int64_t{600000}));
  EXPECT_EQ(Find(keys, "passwordless_code_lifetime").default_value, SettingValue(int64_t{900000}));
  EXPECT_EQ(Find(keys, "refresh_token_validity").value, SettingValue(144000.0));
}

TEST(CoreConfigTest, AConnectionUriIsTakenApartAndItsSecretsAreNotShown) {
  const auto config = Resolve(json::Value::Object());
  const std::vector<ConfigKey> keys = ListedKeys(*config, false);
  EXPECT_EQ(Find(keys, "postgresql_host").value, SettingValue(std::string("db.example")));
  EXPECT_EQ(Find(keys, "postgresql_host").default_value, SettingValue(std::string("localhost")));
  EXPECT_EQ(Find(keys, "postgresql_port").value, SettingValue(int64_t{6432}));
  EXPECT_EQ(Find(keys, "postgresql_port").default_value, SettingValue(int64_t{5432}));
  EXPECT_EQ(Find(keys, "postgresql_database_name").value, SettingValue(std::string("auth")));
  EXPECT_EQ(Find(keys, "postgresql_password").value, SettingValue());
  EXPECT_EQ(Find(keys, "postgresql_connection_uri").value, SettingValue());
  for (const ConfigKey& key : keys) {
    if (const auto* text = std::get_if<std::string>(&key.value)) {
      EXPECT_EQ(text->find("s3cret"), std::string::npos) << key.setting->name;
    }
  }
}

TEST(CoreConfigTest, WhatOnlyOperatorsNeedIsNotListed) {
  const auto config = Resolve(json::Value::Object());
  const std::vector<ConfigKey> keys = ListedKeys(*config, false);
  for (const char* name : {"port", "api_keys", "log_level", "supertokens_saas_secret", "argon2_memory_kb",
                           "access_token_blacklisting", "postgresql_session_info_table_name"}) {
    EXPECT_FALSE(Has(keys, name)) << name;
  }
  EXPECT_TRUE(Has(keys, "ip_allow_regex"));
  EXPECT_TRUE(Has(keys, "postgresql_host"));
  const std::vector<ConfigKey> hidden = ListedKeys(*config, true);
  EXPECT_FALSE(Has(hidden, "ip_allow_regex"));
  EXPECT_FALSE(Has(hidden, "postgresql_host"));
  EXPECT_TRUE(Has(hidden, "access_token_validity"));
}

TEST(CoreConfigTest, EveryKeyIsDescribed) {
  const auto config = Resolve(json::Value::Object());
  std::set<std::string_view> names;
  for (const ConfigKey& key : ListedKeys(*config, false)) {
    EXPECT_FALSE(key.setting->description.empty()) << key.setting->name;
    EXPECT_TRUE(names.insert(key.setting->name).second) << key.setting->name;
  }
}

TEST(CoreConfigTest, ADatabaseThatNobodyConfiguredIsNotShown) {
  const auto config = CoreConfig::Resolve(config::BaseConfig());
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_FALSE(Has(ListedKeys(**config, false), "postgresql_host"));
}

}  // namespace
}  // namespace gatehouse::dashboard
