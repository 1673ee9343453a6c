#pragma once

#include <cstddef>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gatehouse/common/v1/scope.pb.h"

namespace gatehouse::tenancy {
class TenantDirectory;
}

namespace gatehouse::session {

class SessionStore;

// Rotations that may have happened in the database although the new refresh token was never
// delivered: the statement's outcome is unknown, or a later step failed. The client continues with
// the token that it has, and must not be treated as a thief because of that. So these rotations are
// undone: when the client tries again, and meanwhile in the background, for instances that do not
// know about them. Bounded: the oldest are forgotten first. Thread-safe.
class UntoldRotations {
 public:
  static constexpr size_t kMaxEntries = 10'000;

  // `new_hash2`: of the refresh token that was never delivered. `tenant`: of the session.
  void Note(const common::v1::Scope& tenant, std::string_view handle, std::string_view new_hash2);
  bool Has(std::string_view new_hash2) const;

  // Undoes the rotations that are due; those that fail stay due, and the first error is returned. A
  // server that hung may still run a statement that was given up, so each rotation is undone twice.
  absl::Status Settle(tenancy::TenantDirectory& tenants, SessionStore& store, absl::Time deadline);

 private:
  struct Entry {
    common::v1::Scope tenant;
    std::string handle;
    absl::Time noted;
    absl::Time due;
  };

  mutable std::mutex mutex_;
  std::unordered_map<std::string, Entry> entries_;  // by new_hash2
  std::deque<std::string> order_;                   // keys, the oldest first; some may be gone
};

}  // namespace gatehouse::session
