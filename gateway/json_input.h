#pragma once

// Typed reads of a request's JSON body and query, with the original's coercions and error texts
// (formats.md 10.4). Every error is BAD_INPUT with the text for the client.
//
// Require...: the field must be present. Optional...: an absent field is nullopt (or nullptr); an
// explicit null is an error, like any other wrong type.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/base/json.h"

namespace gatehouse::gateway {

// `Field name '<field>' is invalid in JSON input`.
absl::Status InvalidField(std::string_view field);

// Strings. An array of one string counts as that string; numbers and booleans do not.
absl::StatusOr<std::string> RequireString(const json::Value& object, std::string_view field);
absl::StatusOr<std::optional<std::string>> OptionalString(const json::Value& object,
                                                          std::string_view field);
// As above, but an explicit null is read as nullopt.
absl::StatusOr<std::optional<std::string>> RequireStringOrNull(const json::Value& object,
                                                               std::string_view field);
absl::StatusOr<std::optional<std::string>> OptionalStringOrNull(const json::Value& object,
                                                                std::string_view field);
// An element of the array `field`, read as a string.
absl::StatusOr<std::string> StringElement(const json::Value& element, std::string_view field);
// Every element of the array `field` as a string. Absent is an error.
absl::StatusOr<std::vector<std::string>> RequireStringArray(const json::Value& object,
                                                            std::string_view field);
absl::StatusOr<std::optional<std::vector<std::string>>> OptionalStringArray(
    const json::Value& object, std::string_view field);

// Booleans. A number reads as false, an array of one element as that element.
absl::StatusOr<bool> RequireBool(const json::Value& object, std::string_view field);
absl::StatusOr<std::optional<bool>> OptionalBool(const json::Value& object, std::string_view field);

// Integers. A fraction is truncated, a number out of range keeps its low bits, a string must be a
// plain integer in range.
absl::StatusOr<int64_t> RequireInt64(const json::Value& object, std::string_view field);
absl::StatusOr<std::optional<int64_t>> OptionalInt64(const json::Value& object,
                                                     std::string_view field);
absl::StatusOr<int32_t> RequireInt32(const json::Value& object, std::string_view field);
absl::StatusOr<std::optional<int32_t>> OptionalInt32(const json::Value& object,
                                                     std::string_view field);

// Objects and arrays, pointing into `object`.
absl::StatusOr<const json::Value*> RequireObject(const json::Value& object, std::string_view field);
absl::StatusOr<const json::Value*> OptionalObject(const json::Value& object,
                                                  std::string_view field);
absl::StatusOr<const json::Value*> RequireArray(const json::Value& object, std::string_view field);
absl::StatusOr<const json::Value*> OptionalArray(const json::Value& object, std::string_view field);

// Decoded query parameters in order.
using QueryParams = std::vector<std::pair<std::string, std::string>>;

// `Field name '<field>' must be an int in the GET request`.
absl::StatusOr<std::optional<int32_t>> OptionalQueryInt32(const QueryParams& query,
                                                          std::string_view field);
// `Field name '<field>' must be a long in the GET request`, or `is missing` when it is absent.
absl::StatusOr<int64_t> RequireQueryInt64(const QueryParams& query, std::string_view field);
// Comma-separated; each trimmed, empty ones dropped.
std::optional<std::vector<std::string>> OptionalQueryList(const QueryParams& query,
                                                          std::string_view field);

// Java's String.trim(): drops every byte up to and including the blank at both ends.
std::string_view JavaTrim(std::string_view text);

}  // namespace gatehouse::gateway
