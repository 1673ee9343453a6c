#include "libs/porting/import_state.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "libs/base/json.h"
#include "libs/base/strings.h"
#include "libs/porting/private_file.h"

namespace gatehouse::porting {
namespace {

int64_t Number(const json::Value& state, std::string_view key) {
  const json::Value* value = state.Find(key);
  return value == nullptr ? 0 : value->AsInt64().value_or(0);
}

bool Flag(const json::Value& state, std::string_view key) {
  const json::Value* value = state.Find(key);
  return value != nullptr && value->AsBool().value_or(false);
}

}  // namespace

absl::StatusOr<ImportState> ImportState::Read(const std::string& path) {
  std::error_code failed;
  if (!std::filesystem::exists(path, failed)) return absl::NotFoundError(path);
  std::ifstream file(path, std::ios::binary);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  const absl::StatusOr<json::Value> value = json::Parse(text);
  if (!file || !value.ok() || !value->is_object()) {
    return absl::FailedPreconditionError(
        StrCat(path, " is no state of an import: remove it to begin from the start"));
  }
  ImportState state;
  state.input = std::string(value->FindString("input").value_or(""));
  state.target = std::string(value->FindString("target").value_or(""));
  state.from = std::string(value->FindString("from").value_or(""));
  state.records = Number(*value, "records");
  state.posted = Number(*value, "posted");
  state.failed = Number(*value, "failed");
  state.failed_bytes = Number(*value, "failed_bytes");
  state.sending = Number(*value, "sending");
  if (const json::Value* rejected = value->Find("rejected")) {
    for (const json::Value& each : rejected->elements()) {
      state.rejected.insert(each.AsInt64().value_or(-1));
    }
  }
  state.sending_since_ms = Number(*value, "sending_since_ms");
  state.queue_before_ms = Number(*value, "queue_before_ms");
  state.queue_before_sending_ms = Number(*value, "queue_before_sending_ms");
  state.all_posted = Flag(*value, "all_posted");
  state.done = Flag(*value, "done");
  return state;
}

absl::Status ImportState::Write(const std::string& path) const {
  json::Value positions = json::Value::Array();
  for (const int64_t position : rejected) positions.Append(position);
  const json::Value value =
      json::Value::Object({{"input", input},
                           {"target", target},
                           {"from", from},
                           {"records", records},
                           {"posted", posted},
                           {"failed", failed},
                           {"failed_bytes", failed_bytes},
                           {"sending", sending},
                           {"rejected", std::move(positions)},
                           {"sending_since_ms", sending_since_ms},
                           {"queue_before_ms", queue_before_ms},
                           {"queue_before_sending_ms", queue_before_sending_ms},
                           {"all_posted", all_posted},
                           {"done", done}});
  return ReplacePrivateFile(path, json::Serialize(value) + "\n");
}

absl::StatusOr<std::string> IdentityOfFile(const std::string& path) {
  struct stat found;
  if (::stat(path.c_str(), &found) != 0) {
    return absl::NotFoundError(StrCat(path, " can't be read"));
  }
  return StrCat(std::to_string(found.st_size), " bytes, changed at ",
                std::to_string(found.st_mtim.tv_sec), ".", std::to_string(found.st_mtim.tv_nsec));
}

}  // namespace gatehouse::porting
