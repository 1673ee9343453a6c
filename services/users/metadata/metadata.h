#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "libs/base/json.h"

namespace gatehouse::users {

// The text of `current` (stored metadata) with the members of `update`: each replaces the one of
// its name and moves to the end, and null removes (formats: 7.8). Numbers keep their text. Time is
// linear in both. kInternal when `current` is not a JSON object.
absl::StatusOr<std::string> MergeMetadata(std::string_view current, const json::Value& update);

}  // namespace gatehouse::users
