#include "services/users/metadata/metadata.h"

#include <limits>

#include "libs/base/status.h"

namespace gatehouse::users {

absl::StatusOr<std::string> MergeMetadata(std::string_view current, const json::Value& update) {
  // Stored metadata was accepted once, by us or by another core with other limits.
  json::ParseLimits stored;
  stored.max_values = std::numeric_limits<size_t>::max();
  absl::StatusOr<json::Value> metadata = json::Parse(current, stored);
  if (!metadata.ok() || !metadata->is_object()) {
    return MakeError(ErrorReason::kInternal, "Stored user metadata is not a JSON object");
  }
  json::Value merged = json::Value::Object();
  for (const json::Member& member : metadata->members()) {
    if (update.Find(member.key) == nullptr) merged.Set(member.key, member.value);
  }
  for (const json::Member& member : update.members()) {
    if (!member.value.is_null()) merged.Set(member.key, member.value);
  }
  return json::Serialize(merged);
}

}  // namespace gatehouse::users
