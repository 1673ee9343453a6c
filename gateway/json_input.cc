#include "gateway/json_input.h"

#include <charconv>
#include <cstdlib>

#include "libs/base/status.h"

namespace gatehouse::gateway {
namespace {

using json::Value;

// Gson refuses numbers whose decimal point is further away than this.
constexpr int64_t kMaxScale = 10'000;

// Java's parseInt and parseLong: an optional sign, then digits, in range.
template <typename T>
std::optional<T> ParseInteger(std::string_view text) {
  if (text.starts_with('+')) {
    text.remove_prefix(1);
    if (text.starts_with('-')) return std::nullopt;
  }
  T out;
  const char* end = text.data() + text.size();
  const auto [ptr, error] = std::from_chars(text.data(), end, out);
  if (text.empty() || error != std::errc() || ptr != end) return std::nullopt;
  return out;
}

// The low 64 bits of a JSON number's whole part.
std::optional<uint64_t> LowBits(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  int64_t exponent = 0;
  if (const size_t e = text.find_first_of("eE"); e != std::string_view::npos) {
    std::optional<int32_t> parsed = ParseInteger<int32_t>(text.substr(e + 1));
    if (!parsed) return std::nullopt;
    exponent = *parsed;
    text = text.substr(0, e);
  }
  const size_t point = text.find('.');
  const int64_t fraction = point == std::string_view::npos ? 0 : text.size() - point - 1;
  if (std::abs(fraction - exponent) >= kMaxScale) return std::nullopt;
  // The number of digits before the point once the exponent has moved it.
  int64_t whole = static_cast<int64_t>(text.size()) - (fraction > 0 ? fraction + 1 : 0) + exponent;
  uint64_t bits = 0;
  for (size_t i = 0; i < text.size() && whole > 0; ++i) {
    if (text[i] == '.') continue;
    bits = bits * 10 + static_cast<uint64_t>(text[i] - '0');
    --whole;
  }
  for (; whole > 0; --whole) bits *= 10;
  return negative ? 0 - bits : bits;
}

// In scalar reads, Gson treats an array of one element as that element.
const Value& Unwrap(const Value& value) {
  const Value* v = &value;
  while (v->is_array() && v->size() == 1) v = &v->elements().front();
  return *v;
}

std::optional<std::string> ToString(const Value& value) {
  const std::optional<std::string_view> s = Unwrap(value).AsString();
  return s ? std::optional<std::string>(*s) : std::nullopt;
}

std::optional<bool> ToBool(const Value& value) {
  const Value& v = Unwrap(value);
  return v.is_number() ? false : v.AsBool();
}

template <typename T>
std::optional<T> ToInteger(const Value& value) {
  const Value& v = Unwrap(value);
  if (const auto s = v.AsString()) return ParseInteger<T>(*s);
  const auto number = v.AsNumberText();
  if (!number) return std::nullopt;
  const std::optional<uint64_t> bits = LowBits(*number);
  return bits ? std::optional<T>(static_cast<T>(*bits)) : std::nullopt;
}

std::optional<std::vector<std::string>> ToStrings(const Value& value) {
  if (!value.is_array()) return std::nullopt;
  std::vector<std::string> out;
  out.reserve(value.size());
  for (const Value& v : value.elements()) {
    std::optional<std::string> s = ToString(v);
    if (!s) return std::nullopt;
    out.push_back(*std::move(s));
  }
  return out;
}

// `convert` returns an optional; nullopt is the wrong type.
template <typename T, typename F>
absl::StatusOr<T> Require(const Value& object, std::string_view field, F convert) {
  if (const Value* v = object.Find(field)) {
    if (std::optional<T> out = convert(*v)) return *std::move(out);
  }
  return InvalidField(field);
}

template <typename T, typename F>
absl::StatusOr<std::optional<T>> Optional(const Value& object, std::string_view field, F convert) {
  const Value* v = object.Find(field);
  if (v == nullptr) return std::optional<T>();
  std::optional<T> out = convert(*v);
  if (!out) return InvalidField(field);
  return out;
}

absl::StatusOr<const Value*> Container(const Value& object, std::string_view field,
                                       Value::Type type, bool required) {
  const Value* v = object.Find(field);
  if (v == nullptr ? required : v->type() != type) return InvalidField(field);
  return v;
}

std::optional<std::string_view> FindQuery(const QueryParams& query, std::string_view field) {
  for (const auto& [name, value] : query) {
    if (name == field) return value;
  }
  return std::nullopt;
}

template <typename T>
absl::StatusOr<std::optional<T>> QueryInteger(const QueryParams& query, std::string_view field,
                                              std::string_view kind, bool required) {
  const std::optional<std::string_view> text = FindQuery(query, field);
  if (!text && !required) return std::optional<T>();
  if (!text) {
    return BadInput("Field name '" + std::string(field) + "' is missing in GET request");
  }
  if (std::optional<T> n = ParseInteger<T>(*text)) return n;
  return BadInput("Field name '" + std::string(field) + "' must be " + std::string(kind) +
                  " in the GET request");
}

}  // namespace

absl::Status InvalidField(std::string_view field) {
  return BadInput("Field name '" + std::string(field) + "' is invalid in JSON input");
}

absl::StatusOr<std::string> RequireString(const Value& object, std::string_view field) {
  return Require<std::string>(object, field, ToString);
}

absl::StatusOr<std::optional<std::string>> OptionalString(const Value& object,
                                                          std::string_view field) {
  return Optional<std::string>(object, field, ToString);
}

absl::StatusOr<std::optional<std::string>> RequireStringOrNull(const Value& object,
                                                               std::string_view field) {
  if (object.Find(field) == nullptr) return InvalidField(field);
  return OptionalStringOrNull(object, field);
}

absl::StatusOr<std::optional<std::string>> OptionalStringOrNull(const Value& object,
                                                                std::string_view field) {
  const Value* v = object.Find(field);
  if (v != nullptr && v->is_null()) return std::optional<std::string>();
  return OptionalString(object, field);
}

absl::StatusOr<std::string> StringElement(const Value& element, std::string_view field) {
  if (std::optional<std::string> s = ToString(element)) return *std::move(s);
  return InvalidField(field);
}

absl::StatusOr<std::vector<std::string>> RequireStringArray(const Value& object,
                                                            std::string_view field) {
  return Require<std::vector<std::string>>(object, field, ToStrings);
}

absl::StatusOr<std::optional<std::vector<std::string>>> OptionalStringArray(
    const Value& object, std::string_view field) {
  return Optional<std::vector<std::string>>(object, field, ToStrings);
}

absl::StatusOr<bool> RequireBool(const Value& object, std::string_view field) {
  return Require<bool>(object, field, ToBool);
}

absl::StatusOr<std::optional<bool>> OptionalBool(const Value& object, std::string_view field) {
  return Optional<bool>(object, field, ToBool);
}

absl::StatusOr<int64_t> RequireInt64(const Value& object, std::string_view field) {
  return Require<int64_t>(object, field, ToInteger<int64_t>);
}

absl::StatusOr<std::optional<int64_t>> OptionalInt64(const Value& object, std::string_view field) {
  return Optional<int64_t>(object, field, ToInteger<int64_t>);
}

absl::StatusOr<int32_t> RequireInt32(const Value& object, std::string_view field) {
  return Require<int32_t>(object, field, ToInteger<int32_t>);
}

absl::StatusOr<std::optional<int32_t>> OptionalInt32(const Value& object, std::string_view field) {
  return Optional<int32_t>(object, field, ToInteger<int32_t>);
}

absl::StatusOr<const Value*> RequireObject(const Value& object, std::string_view field) {
  return Container(object, field, Value::Type::kObject, true);
}

absl::StatusOr<const Value*> OptionalObject(const Value& object, std::string_view field) {
  return Container(object, field, Value::Type::kObject, false);
}

absl::StatusOr<const Value*> RequireArray(const Value& object, std::string_view field) {
  return Container(object, field, Value::Type::kArray, true);
}

absl::StatusOr<const Value*> OptionalArray(const Value& object, std::string_view field) {
  return Container(object, field, Value::Type::kArray, false);
}

absl::StatusOr<std::optional<int32_t>> OptionalQueryInt32(const QueryParams& query,
                                                          std::string_view field) {
  return QueryInteger<int32_t>(query, field, "an int", false);
}

absl::StatusOr<int64_t> RequireQueryInt64(const QueryParams& query, std::string_view field) {
  ASSIGN_OR_RETURN(const auto n, QueryInteger<int64_t>(query, field, "a long", true));
  return *n;
}

std::optional<std::vector<std::string>> OptionalQueryList(const QueryParams& query,
                                                          std::string_view field) {
  std::optional<std::string_view> text = FindQuery(query, field);
  if (!text) return std::nullopt;
  std::vector<std::string> out;
  while (true) {
    const size_t comma = text->find(',');
    const std::string_view item = JavaTrim(text->substr(0, comma));
    if (!item.empty()) out.emplace_back(item);
    if (comma == std::string_view::npos) return out;
    text->remove_prefix(comma + 1);
  }
}

std::string_view JavaTrim(std::string_view text) {
  const auto blank = [](char c) { return static_cast<unsigned char>(c) <= ' '; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace gatehouse::gateway
