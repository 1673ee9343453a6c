#include "services/dashboard/core_config_service.h"

#include <string>
#include <variant>

#include "libs/base/status.h"
#include "services/dashboard/core_config.h"

namespace gatehouse::dashboard {
namespace {

using config::SettingScope;
using config::SettingType;

v1::ConfigValue Encode(const config::SettingValue& value) {
  v1::ConfigValue encoded;
  if (const auto* boolean = std::get_if<bool>(&value)) {
    encoded.set_boolean(*boolean);
  } else if (const auto* integer = std::get_if<int64_t>(&value)) {
    encoded.set_integer(*integer);
  } else if (const auto* real = std::get_if<double>(&value)) {
    encoded.set_real(*real);
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    encoded.set_text(*text);
  }
  return encoded;
}

v1::CoreConfigKey::Type TypeOf(const config::CoreSetting& setting) {
  if (!setting.choices.front().empty()) return v1::CoreConfigKey::TYPE_ENUM;
  switch (setting.type) {
    case SettingType::kString:
      return v1::CoreConfigKey::TYPE_STRING;
    case SettingType::kBoolean:
      return v1::CoreConfigKey::TYPE_BOOLEAN;
    case SettingType::kInt:
    case SettingType::kLong:
    case SettingType::kDouble:
      break;
  }
  return v1::CoreConfigKey::TYPE_NUMBER;
}

v1::CoreConfigKey Encode(const ConfigKey& key) {
  const config::CoreSetting& setting = *key.setting;
  v1::CoreConfigKey encoded;
  encoded.set_name(std::string(setting.name));
  encoded.set_type(TypeOf(setting));
  *encoded.mutable_value() = Encode(key.value);
  *encoded.mutable_default_value() = Encode(key.default_value);
  encoded.set_description(std::string(setting.description));
  encoded.set_nullable(std::holds_alternative<std::monostate>(key.default_value));
  encoded.set_different_across_tenants(setting.scope != SettingScope::kPerApp);
  for (const std::string_view choice : setting.choices) {
    if (!choice.empty()) encoded.add_possible_values(std::string(choice));
  }
  encoded.set_of_database(setting.scope == SettingScope::kDatabase);
  encoded.set_database_key_editable(setting.Has(config::kEditable));
  return encoded;
}

}  // namespace

absl::StatusOr<v1::ListCoreConfigResponse> CoreConfigServiceImpl::ListCoreConfig(
    rpc::CallContext& context, const v1::ListCoreConfigRequest& request) {
  ASSIGN_OR_RETURN(const tenancy::TenantPtr tenant,
                   directory_.Find(request.scope(), context.deadline));
  v1::ListCoreConfigResponse response;
  for (const ConfigKey& key : ListedKeys(*tenant->config, request.hide_protected())) {
    *response.add_keys() = Encode(key);
  }
  return response;
}

}  // namespace gatehouse::dashboard
