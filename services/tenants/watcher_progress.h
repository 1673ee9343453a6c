#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>

#include "absl/time/time.h"

namespace gatehouse::tenants {

// The progress of each watcher of the tenants: what it was sent, and what it has confirmed as
// applied. Thread-safe; no method but Await blocks, and none calls out.
class WatcherProgress {
 public:
  // A new watcher's id.
  int64_t Add();
  void Remove(int64_t id);
  // The version of the next message to this watcher, to be noted before it is sent.
  int64_t NextVersion(int64_t id);
  void Confirm(int64_t id, int64_t version);

  // Waits until every watcher has confirmed what it had been sent when this was called, or is gone.
  // False when the deadline came first: late watchers are then not waited for until they have
  // caught up, so that a process that hangs delays one change and not all.
  bool Await(absl::Time deadline);

 private:
  struct Progress {
    int64_t sent = 0;
    int64_t confirmed = 0;
    bool late = false;
  };

  std::mutex mutex_;
  std::condition_variable changed_;
  int64_t last_id_ = 0;
  std::map<int64_t, Progress> watchers_;
};

}  // namespace gatehouse::tenants
