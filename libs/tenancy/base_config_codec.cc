#include "libs/tenancy/base_config_codec.h"

#include <variant>

#include "libs/base/json.h"
#include "libs/base/status.h"

namespace gatehouse::tenancy {
namespace {

json::Value ToJson(const config::SettingValue& value) {
  struct Visitor {
    json::Value operator()(std::monostate) const { return json::Value::Null(); }
    json::Value operator()(bool b) const { return json::Value::Bool(b); }
    json::Value operator()(int64_t n) const { return json::Value::Number(n); }
    json::Value operator()(double d) const { return json::Value::Double(d); }
    json::Value operator()(const std::string& s) const { return json::Value::String(s); }
  };
  return std::visit(Visitor(), value);
}

}  // namespace

std::string EncodeBaseConfig(const config::BaseConfig& base) {
  json::Value object = json::Value::Object();
  for (const config::CoreSetting& setting : config::CoreSettings()) {
    const auto& value = base.values[static_cast<size_t>(setting.id)];
    if (value.has_value()) object.Set(std::string(setting.name), ToJson(*value));
  }
  return json::Serialize(object);
}

absl::StatusOr<config::BaseConfig> DecodeBaseConfig(std::string_view json, bool test_mode) {
  config::BaseConfig base;
  base.test_mode = test_mode;
  if (json.empty()) return base;
  ASSIGN_OR_RETURN(const json::Value object, json::Parse(json));
  for (const json::Member& member : object.members()) {
    const config::CoreSetting* setting = config::FindSetting(member.key);
    if (setting == nullptr) continue;
    ASSIGN_OR_RETURN(config::SettingValue value, config::ReadSetting(*setting, member.value));
    base.Set(setting->id, std::move(value));
  }
  return base;
}

}  // namespace gatehouse::tenancy
