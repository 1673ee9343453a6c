#pragma once

// JSON documents for the REST interface: numbers keep their text, objects keep their order,
// explicit nulls stay. Reading is as lenient as Gson's JsonReader, because clients rely on it; no
// available library does both.

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"

namespace gatehouse::json {

struct Member;
struct Field;
class Value;
using Array = std::vector<Value>;

// The members of an object in the order of their first appearance. Look-up is by scan for small
// objects and by hash for large ones, so that an object of a million keys is still read in linear
// time.
class Members {
 public:
  Members();
  ~Members();
  Members(const Members& other);
  Members& operator=(const Members& other);
  Members(Members&&) noexcept;
  Members& operator=(Members&&) noexcept;

  size_t size() const;
  const Member* begin() const;
  const Member* end() const;
  const Value* Find(std::string_view key) const;
  // Replaces the value in place if the key exists; else appends. Returns the stored value, valid
  // until the next change.
  Value& Set(std::string key, Value value);
  // True if the key existed. O(size).
  bool Remove(std::string_view key);
  // Makes room for that many members.
  void Reserve(size_t count);
  // All members, which are gone afterwards.
  std::vector<Member> Take();

 private:
  friend class Value;
  struct Rep;
  // The key must be new.
  Value& Add(std::string&& key, Value&& value);

  std::unique_ptr<Rep> rep_;  // null while empty: most `{}` cost no allocation
};

// One JSON value. A value type: copies are deep, moves are cheap. Strings are UTF-8.
// Thread-compatible. Nesting is limited by the parser; documents built by code should stay shallow,
// since copying, comparing, writing and destruction recurse.
class Value {
 public:
  enum class Type { kNull, kBool, kNumber, kString, kArray, kObject };

  // Implicit, so that `Value::Object({{"status", "OK"}, {"count", 3}})` reads like JSON.
  Value() = default;
  Value(std::nullptr_t) {}                              // NOLINT
  Value(std::same_as<bool> auto b) : data_(b) {}        // NOLINT
  Value(const char* s) : data_(std::string(s)) {}       // NOLINT
  Value(std::string_view s) : data_(std::string(s)) {}  // NOLINT
  Value(std::string s) : data_(std::move(s)) {}         // NOLINT
  template <std::integral T>
  requires(!std::same_as<T, bool> && !std::same_as<T, char>) Value(T n)
      : data_(NumberRep{std::to_string(n)}) {}  // NOLINT

  static Value Null() { return Value(); }
  static Value Bool(bool b) { return Value(b); }
  static Value String(std::string_view s) { return Value(s); }
  static Value Number(int64_t n) { return Value(n); }
  // `text` must be a JSON number: it is written unchanged.
  static Value NumberText(std::string text);
  // Written as Java's Double.toString does (`1.0`, `0.5`, `1.0E10`); NaN and infinities give null.
  static Value Double(double d);
  static Value Array(json::Array elements = {});
  static Value Object();
  // Moves the values out of the list. The keys must differ.
  static Value Object(std::initializer_list<Field> fields);
  static Value FromMembers(Members members);

  Type type() const { return static_cast<Type>(data_.index()); }
  bool is_null() const { return type() == Type::kNull; }
  bool is_bool() const { return type() == Type::kBool; }
  bool is_number() const { return type() == Type::kNumber; }
  bool is_string() const { return type() == Type::kString; }
  bool is_array() const { return type() == Type::kArray; }
  bool is_object() const { return type() == Type::kObject; }

  // Typed reads without coercion: nullopt when the value is of another type.
  std::optional<bool> AsBool() const;
  std::optional<std::string_view> AsString() const;
  std::optional<std::string_view> AsNumberText() const;
  // Also nullopt when the number is not a plain integer in range.
  std::optional<int64_t> AsInt64() const;
  std::optional<double> AsDouble() const;

  // Elements; empty if this is not an array.
  const json::Array& elements() const;
  // Members; empty if this is not an object.
  const Members& members() const;
  // The number of elements or members; 0 for anything else.
  size_t size() const;

  // nullptr if the key is absent or this is not an object.
  const Value* Find(std::string_view key) const;
  // The string under `key`; nullopt when absent or not a string.
  std::optional<std::string_view> FindString(std::string_view key) const;

  // The string, which is empty afterwards; "" if this is not one.
  std::string TakeString();
  // The members, which are gone afterwards; none if this is not an object.
  std::vector<Member> TakeMembers();

  // Turn a non-object into an object first. Returns the stored value.
  Value& Set(std::string key, Value value);
  bool Remove(std::string_view key);
  // Turns a non-array into an array first. Returns the stored value.
  Value& Append(Value value);

  // Same structure; objects regardless of order, numbers by their text.
  friend bool operator==(const Value& a, const Value& b);

 private:
  struct NumberRep {
    std::string text;
  };
  // In the order of Type.
  std::variant<std::monostate, bool, NumberRep, std::string, json::Array, Members> data_;
};

struct Member {
  std::string key;
  Value value;
};

// A member in a braced list; `value` is mutable so that it can be moved from the list.
struct Field {
  std::string_view key;
  mutable Value value;
};

// Limits on the cost of a document. A value takes about 40 bytes besides its text.
struct ParseLimits {
  // Gson's own nesting limit.
  size_t max_depth = 255;
  // Enough for the largest bulk import (10,000 users); `[,,,]` has a value per byte.
  size_t max_values = 1'000'000;
};

// Reads one document as Gson's lenient reader does: comments, single quotes, unquoted names and
// strings, `=`, `=>` and `;`, `[1,]` as `[1,null]`, a byte order mark, any case of true, false and
// null. Anything after the document, an empty document, and text that is not UTF-8 are refused. A
// lone surrogate in an escape becomes `?`. Time is linear in the text. The error gives the reason
// and the byte's position, without repeating the text.
absl::StatusOr<Value> Parse(std::string_view text, const ParseLimits& limits = {});

enum class Style {
  // Gson's JsonElement.toString(): compact, nulls kept, no HTML escaping.
  kPlain,
  // `new Gson().toJson()`: null members left out, `<`, `>`, `&`, `=` and `'` escaped.
  kGsonHtmlSafe,
};

std::string Serialize(const Value& value, Style style = Style::kPlain);
// Appends to `out`, for replies that are built in one buffer.
void SerializeTo(const Value& value, std::string& out, Style style = Style::kPlain);
// Appends `text` as a JSON string, without and with its quotes.
void AppendEscaped(std::string_view text, std::string& out, Style style = Style::kPlain);
void AppendQuoted(std::string_view text, std::string& out, Style style = Style::kPlain);

// True when `text` is well-formed UTF-8 (no surrogates, no overlong forms).
bool IsValidUtf8(std::string_view text);

}  // namespace gatehouse::json
