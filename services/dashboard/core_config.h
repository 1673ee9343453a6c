#pragma once

#include <vector>

#include "libs/config/core_config.h"
#include "libs/config/core_settings.h"

namespace gatehouse::dashboard {

struct ConfigKey {
  const config::CoreSetting* setting;  // static
  config::SettingValue value;          // null for a secret
  config::SettingValue default_value;
};

// The keys of a tenant's configuration that the dashboard shows: those of the core, then, if
// `config` names a database, those of the database, in the order in which the original declares
// them. `hide_protected`: without those that only the holder of the SaaS secret may see.
std::vector<ConfigKey> ListedKeys(const config::CoreConfig& config, bool hide_protected);

}  // namespace gatehouse::dashboard
