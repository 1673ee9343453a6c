// How keys of the table are read from JSON and from text.

#include <cmath>
#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "libs/base/json.h"
#include "libs/config/core_settings.h"

namespace gatehouse::config {
namespace {

absl::string_view View(std::string_view text) { return {text.data(), text.size()}; }

absl::Status TypeError(const CoreSetting& setting) {
  return absl::InvalidArgumentError(absl::StrCat("'", View(setting.name), "' must be of type ",
                                                 View(SettingTypeName(setting.type))));
}

bool IsPlainInteger(std::string_view text) {
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) text.remove_prefix(1);
  if (text.empty()) return false;
  for (char c : text) {
    if (!absl::ascii_isdigit(static_cast<unsigned char>(c))) return false;
  }
  return true;
}

absl::StatusOr<SettingValue> InRange(const CoreSetting& setting, int64_t number) {
  if (setting.type == SettingType::kInt && (number < std::numeric_limits<int32_t>::min() ||
                                            number > std::numeric_limits<int32_t>::max())) {
    return TypeError(setting);
  }
  return SettingValue(number);
}

absl::StatusOr<SettingValue> ReadDouble(const CoreSetting& setting, std::string_view text) {
  double number = 0;
  if (!absl::SimpleAtod(View(text), &number) || !std::isfinite(number)) return TypeError(setting);
  return SettingValue(number);
}

// A JSON number may be written 5, 5.0 or 5e0, as long as its value is whole.
absl::StatusOr<SettingValue> ReadWholeNumber(const CoreSetting& setting, std::string_view text) {
  int64_t whole = 0;
  if (IsPlainInteger(text)) {
    if (!absl::SimpleAtoi(View(text), &whole)) return TypeError(setting);
    return InRange(setting, whole);
  }
  double number = 0;
  constexpr double kExact = 9007199254740992.0;  // 2^53: above it a double is not an exact integer
  if (!absl::SimpleAtod(View(text), &number) || std::trunc(number) != number ||
      std::abs(number) > kExact) {
    return TypeError(setting);
  }
  return InRange(setting, static_cast<int64_t>(number));
}

}  // namespace

absl::StatusOr<SettingValue> ReadSetting(const CoreSetting& setting, const json::Value& value) {
  switch (value.type()) {
    case json::Value::Type::kNull:
      return SettingValue(std::monostate());
    case json::Value::Type::kString:
      return ReadSettingText(setting, *value.AsString());
    case json::Value::Type::kBool:
      if (setting.type == SettingType::kBoolean) return SettingValue(*value.AsBool());
      if (setting.type == SettingType::kString) {
        return SettingValue(std::string(*value.AsBool() ? "true" : "false"));
      }
      return TypeError(setting);
    case json::Value::Type::kNumber:
      switch (setting.type) {
        case SettingType::kInt:
        case SettingType::kLong:
          return ReadWholeNumber(setting, *value.AsNumberText());
        case SettingType::kDouble:
          return ReadDouble(setting, *value.AsNumberText());
        case SettingType::kString:
          return SettingValue(std::string(*value.AsNumberText()));
        case SettingType::kBoolean:
          return TypeError(setting);
      }
      return TypeError(setting);
    case json::Value::Type::kArray:
    case json::Value::Type::kObject:
      return TypeError(setting);
  }
  return TypeError(setting);
}

absl::StatusOr<SettingValue> ReadSettingText(const CoreSetting& setting, std::string_view text) {
  switch (setting.type) {
    case SettingType::kInt:
    case SettingType::kLong: {
      int64_t number = 0;
      if (!IsPlainInteger(text) || !absl::SimpleAtoi(View(text), &number)) {
        return TypeError(setting);
      }
      return InRange(setting, number);
    }
    case SettingType::kDouble:
      return ReadDouble(setting, text);
    case SettingType::kBoolean:
      if (absl::EqualsIgnoreCase(View(text), "true")) return SettingValue(true);
      if (absl::EqualsIgnoreCase(View(text), "false")) return SettingValue(false);
      return TypeError(setting);
    case SettingType::kString:
      return SettingValue(std::string(text));
  }
  return TypeError(setting);
}

}  // namespace gatehouse::config
