#include "services/accounts/bulkimport/json_fields.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "libs/base/strings.h"

namespace gatehouse::accounts {
namespace {

using json::Value;

bool IsBlank(std::string_view text) {
  return text.find_first_not_of(" \t\n\v\f\r\x1c\x1d\x1e\x1f") == std::string_view::npos;
}

bool IsText(const Value& value) {
  const auto text = value.AsString();
  return text.has_value() && !IsBlank(*text) && text->find('\0') == std::string_view::npos;
}

bool AllOf(const Value& array, bool (*is)(const Value&)) {
  return array.is_array() && std::all_of(array.elements().begin(), array.elements().end(), is);
}

}  // namespace

const Value* JsonFields::Find(std::string_view key, bool required) {
  const Value* value = object_.Find(key);
  if (value == nullptr && required) errors_.push_back(StrCat(key, " is required", suffix_));
  return value;
}

void JsonFields::Wrong(std::string_view key, std::string_view type) {
  errors_.push_back(StrCat(key, " should be of type ", type, suffix_));
}

std::optional<std::string> JsonFields::Text(std::string_view key, bool required) {
  const Value* value = Find(key, required);
  if (value == nullptr) return std::nullopt;
  if (IsText(*value)) return std::string(*value->AsString());
  Wrong(key, "string");
  return std::nullopt;
}

std::optional<int64_t> JsonFields::Integer(std::string_view key) {
  const Value* value = Find(key, false);
  if (value == nullptr) return std::nullopt;
  if (const auto number = value->AsInt64()) return number;
  if (const auto number = value->AsDouble(); number.has_value() && value->is_number()) {
    if (std::isnan(*number)) return 0;
    if (*number >= 9.2e18) return std::numeric_limits<int64_t>::max();
    if (*number <= -9.2e18) return std::numeric_limits<int64_t>::min();
    return static_cast<int64_t>(*number);
  }
  Wrong(key, "integer");
  return std::nullopt;
}

std::optional<bool> JsonFields::Bool(std::string_view key) {
  const Value* value = Find(key, false);
  if (value == nullptr) return std::nullopt;
  if (!value->is_bool()) Wrong(key, "boolean");
  return value->AsBool();
}

const Value* JsonFields::Object(std::string_view key) {
  const Value* value = Find(key, false);
  if (value == nullptr || value->is_object()) return value;
  Wrong(key, "object");
  return nullptr;
}

const Value* JsonFields::Objects(std::string_view key, bool required) {
  const Value* value = Find(key, required);
  if (value == nullptr) return nullptr;
  if (AllOf(*value, [](const Value& element) { return element.is_object(); })) return value;
  Wrong(key, "array of object");
  return nullptr;
}

const Value* JsonFields::Texts(std::string_view key, bool required) {
  const Value* value = Find(key, required);
  if (value == nullptr) return nullptr;
  if (AllOf(*value, IsText)) return value;
  Wrong(key, "array of string");
  return nullptr;
}

std::string_view JavaTrim(std::string_view text) {
  const auto blank = [](char c) { return static_cast<unsigned char>(c) <= ' '; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace gatehouse::accounts
