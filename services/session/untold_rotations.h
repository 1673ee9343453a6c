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

// Rotations that may have happened in the database although nobody was handed the new refresh
// token: the statement's outcome is unknown, or what followed it failed. The client goes on with
// the token that it has, and must not be taken for a thief because of it. So these rotations are
// taken back: when the client comes again, and meanwhile in the background, for instances that do
// not know of them. Bounded: the oldest are forgotten first. Thread-safe.
class UntoldRotations {
 public:
  static constexpr size_t kMaxEntries = 10'000;

  // `new_hash2`: of the refresh token that nobody has. `tenant`: of the session.
  void Note(const common::v1::Scope& tenant, std::string_view handle, std::string_view new_hash2);
  bool Has(std::string_view new_hash2) const;

  // Takes back what is due; what can't be is due again, and the first reason is returned. A
  // statement that was given up may still be run by a server that hung, so that each rotation is
  // taken back twice.
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
