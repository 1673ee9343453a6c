#include "services/dashboard/core_config.h"

#include <string>

#include "libs/config/db_settings.h"

namespace gatehouse::dashboard {
namespace {

using config::CoreSetting;
using config::DbSettings;
using config::Setting;
using config::SettingValue;

// What a database's key amounts to: a connection URI overrides the single keys, and some have a
// default that is not written as one.
SettingValue DatabaseValue(const CoreSetting& setting, const DbSettings& db, SettingValue plain) {
  switch (setting.id) {
    case Setting::kPostgresqlHost:
      return db.host;
    case Setting::kPostgresqlPort:
      return int64_t{db.port};
    case Setting::kPostgresqlDatabaseName:
      return db.database_name;
    case Setting::kPostgresqlUser:
      return db.user.empty() ? SettingValue() : SettingValue(db.user);
    case Setting::kPostgresqlTableSchema:
      return db.table_schema;
    case Setting::kPostgresqlConnectionScheme:
      return db.connection_scheme;
    case Setting::kMigrationMode:
      return std::string(config::MigrationModeName(db.migration_mode));
    default:
      return plain;
  }
}

}  // namespace

std::vector<ConfigKey> ListedKeys(const config::CoreConfig& config, bool hide_protected) {
  std::vector<ConfigKey> keys;
  const DbSettings defaults;
  for (const bool of_database : {false, true}) {
    if (of_database && !config.db().configured) continue;
    for (const CoreSetting& setting : config::CoreSettings()) {
      if ((setting.scope == config::SettingScope::kDatabase) != of_database ||
          !setting.ListedInDashboard() || (hide_protected && setting.Has(config::kProtected))) {
        continue;
      }
      ConfigKey key{.setting = &setting,
                    .value = config.value(setting.id),
                    .default_value = config::DefaultValue(setting.id)};
      if (of_database) {
        key.value = DatabaseValue(setting, config.db(), std::move(key.value));
        key.default_value = DatabaseValue(setting, defaults, std::move(key.default_value));
      }
      if (setting.Has(config::kSecret)) key.value = SettingValue();
      keys.push_back(std::move(key));
    }
  }
  return keys;
}

}  // namespace gatehouse::dashboard
