#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/base/json.h"

namespace gatehouse::accounts {

// Typed reads of a user's fields. A missing or wrong one adds the original's text to `errors`:
// "<key> is required<suffix>", "<key> should be of type <type><suffix>".
class JsonFields {
 public:
  JsonFields(const json::Value& object, std::string_view suffix, std::vector<std::string>& errors)
      : object_(object), suffix_(suffix), errors_(errors) {}

  // Not blank, and without NUL, which no text in PostgreSQL can hold.
  std::optional<std::string> Text(std::string_view key, bool required = false);
  // A fraction is cut off, as Java's Number.longValue does.
  std::optional<int64_t> Integer(std::string_view key);
  std::optional<bool> Bool(std::string_view key);
  // Null: absent or wrong.
  const json::Value* Object(std::string_view key);
  const json::Value* Objects(std::string_view key, bool required = false);
  const json::Value* Texts(std::string_view key, bool required = false);

 private:
  const json::Value* Find(std::string_view key, bool required);
  void Wrong(std::string_view key, std::string_view type);

  const json::Value& object_;
  const std::string_view suffix_;
  std::vector<std::string>& errors_;
};

// Java's String.trim().
std::string_view JavaTrim(std::string_view text);

}  // namespace gatehouse::accounts
