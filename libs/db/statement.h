#pragma once

// What a store hands to the database: named SQL text and its parameters.

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace gatehouse::db {

// One SQL statement, declared as a constant in a store:
//
//   constexpr Statement kGetSession = {
//       "session_get", "SELECT user_id FROM {session_info} WHERE app_id = $1"};
//
// `name` is unique in the process: statements are prepared lazily, once per connection, by it.
// `{table}` stands for the table's configured name with its schema, `{~table}` for the name
// without schema (constraint names start with it), `{schema}` for the schema alone. Other braces
// are left unchanged. Both texts must outlive the program's databases (literals).
struct Statement {
  const char* name;
  const char* sql;
};

// SQL: any of a TextArray's values, `column = ` GATEHOUSE_ANY("$2", "varchar"). `type` is the
// column's, so that its index is used. The value is hidden from the planner: PostgreSQL takes ten
// elements for an array that it does not know, so that for fewer it would make a plan at each call.
#define GATEHOUSE_ANY(parameter, type) "ANY((SELECT " parameter "::" type "[])::" type "[])"

// A parameter for GATEHOUSE_ANY, or for unnest((SELECT $n::type[])).
struct TextArray {
  std::vector<std::string> values;
};

// A parameter for a BYTEA column: raw bytes.
struct Bytes {
  std::string_view value;
};

// The values of $1, $2, ... in order. They are sent as text of unknown type, and the server infers
// the type from the column. A value type; it copies its arguments.
class Params {
 public:
  Params() = default;

  template <typename... Args>
  requires(sizeof...(Args) > 0 && !(std::same_as<std::remove_cvref_t<Args>, Params> || ...))
      Params(const Args&... args) {  // NOLINT: implicit, so that callers write {app_id, user_id}
    values_.reserve(sizeof...(Args));
    (Add(args), ...);
  }

  Params& Add(std::string_view value);
  Params& Add(const std::string& value) { return Add(std::string_view(value)); }
  Params& Add(const char* value) { return Add(std::string_view(value)); }
  Params& Add(std::nullptr_t) { return AddNull(); }
  Params& Add(std::nullopt_t) { return AddNull(); }
  Params& Add(const TextArray& value);
  Params& Add(Bytes value);
  template <std::same_as<bool> T>
  Params& Add(T value) {
    return Add(std::string_view(value ? "t" : "f"));
  }
  template <std::integral T>
  requires(!std::same_as<T, bool> && !std::same_as<T, char> &&
           sizeof(T) <= sizeof(int64_t)) Params& Add(T value) {
    return AddInteger(static_cast<int64_t>(value));
  }
  template <typename T>
  Params& Add(const std::optional<T>& value) {
    return value.has_value() ? Add(*value) : AddNull();
  }

  size_t size() const { return values_.size(); }
  // nullopt is SQL NULL.
  const std::vector<std::optional<std::string>>& values() const { return values_; }
  // False when a text holds a NUL character, which no PostgreSQL text can.
  bool valid() const { return valid_; }

 private:
  Params& AddNull();
  Params& AddInteger(int64_t value);

  std::vector<std::optional<std::string>> values_;
  bool valid_ = true;
};

}  // namespace gatehouse::db
