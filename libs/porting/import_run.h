#pragma once

// Private to libs/porting: one run of an import.

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/base/json.h"
#include "libs/porting/bulk_api.h"
#include "libs/porting/entries.h"
#include "libs/porting/import_state.h"
#include "libs/porting/private_file.h"

namespace gatehouse::porting {

class ImportRun {
 public:
  // `entries` from the start of the file. The parts must outlive the run.
  ImportRun(std::string path, ImportState state, Entries& entries, BulkApi& api)
      : path_(std::move(path)), state_(std::move(state)), entries_(entries), api_(api) {}

  absl::StatusOr<int> All();

 private:
  // Reads past what an earlier run has dealt with.
  absl::Status Skip();
  absl::Status PostAll();
  // Adds the batch to the queue, once, whatever happens to requests and replies. Its state is
  // written: `sending`, and the failures so far. `in_doubt`: an earlier run may have done it.
  absl::Status Post(const std::vector<Entry>& batch, bool in_doubt);
  // Whether the server has the users that an earlier request was to add.
  absl::StatusOr<bool> WasAdded(const std::vector<const Entry*>& users);
  absl::StatusOr<bool> Exist(const std::vector<const Entry*>& users);
  absl::Status AwaitQueue();
  // Moves what failed from the server's queue to the file.
  absl::Status CollectFailures();
  void Report();

  void Remember(const Entry& entry) { lines_.emplace(entry.fingerprint, entry.line); }
  absl::Status AppendFailure(const json::Value& user, std::optional<int64_t> line,
                             const std::vector<std::string>& reasons, std::string_view id);
  absl::Status SyncFailures();
  absl::Status WriteState() { return state_.Write(ImportState::PathFor(path_)); }
  // Repeats `step` while the server is not available, ten minutes at most.
  absl::Status Persist(absl::FunctionRef<absl::Status()> step);
  std::string FailedPath() const { return path_ + ".failed.jsonl"; }

  const std::string path_;
  ImportState state_;
  Entries& entries_;
  BulkApi& api_;
  std::optional<PrivateFile> failures_;
  std::unordered_map<uint64_t, int64_t> lines_;  // fingerprint: line
};

}  // namespace gatehouse::porting
