#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>

#include "absl/time/time.h"

namespace gatehouse::tenants {

// How far each watcher of the tenants has come: what it was sent, and what it has confirmed to have
// applied. Thread-safe; no method but Await blocks, and none calls out.
class WatcherProgress {
 public:
  // A new watcher's id. Ids are random, so that one of another process's streams means nothing here.
  int64_t Add();
  void Remove(int64_t id);
  // The version of the next message to this watcher, to be noted before it is sent.
  int64_t NextVersion(int64_t id);
  void Confirm(int64_t id, int64_t version);

  // Waits until every watcher has confirmed what it had been sent when this was called, or has gone.
  // False when the deadline came first: those that were late are then waited for no more until they
  // have caught up, so that a process that hangs holds up one change and not each.
  bool Await(absl::Time deadline);

 private:
  struct Progress {
    int64_t sent = 0;
    int64_t confirmed = 0;
    bool late = false;
  };

  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<int64_t, Progress> watchers_;
};

}  // namespace gatehouse::tenants
