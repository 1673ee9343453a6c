#pragma once

// The users of an input, read in batches that fit into a request.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/base/json.h"
#include "libs/porting/converter.h"
#include "libs/porting/records.h"

namespace gatehouse::porting {

struct Entry {
  int64_t line = 0;
  Converted converted;
  std::string text;          // of converted.user, for a request
  uint64_t fingerprint = 0;  // FingerprintOf(converted.user)
};

// Distinguishes users by their external id, or else by their first login method. The server's copy
// of a user has the same. Differs from run to run.
uint64_t FingerprintOf(const json::Value& user);

class Entries {
 public:
  static absl::StatusOr<Entries> Open(const std::string& path, const Format& format,
                                      const ConvertOptions& options);

  // The next users: at most `limit`, 10,000 and 4 MiB of them. None at the end.
  absl::StatusOr<std::vector<Entry>> Next(int64_t limit);

  // Bytes, for progress.
  int64_t position() const { return records_.position(); }
  int64_t size() const { return records_.size(); }

 private:
  Entries(Records records, ConvertFunction convert)
      : records_(std::move(records)), convert_(std::move(convert)) {}

  Records records_;
  ConvertFunction convert_;
};

// The text without the user's email, phone number, ids and hash, for a terminal or a log.
std::string WithoutValues(std::string text, const json::Value& user);

}  // namespace gatehouse::porting
