#pragma once

// Private to libs/db: enforces deadlines of running statements without a round trip for each.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <thread>

#include "libs/db/cancel_request.h"
#include "libs/db/wake_fd.h"

namespace gatehouse::db {

using SteadyTime = std::chrono::steady_clock::time_point;

// One connection's running statement, shared between the thread that runs it and the watchdog.
struct InFlight {
  CancelKey cancel_key;
  int socket = -1;

  std::mutex mutex;
  bool armed = false;
  // A cancel request was sent: it may reach the server late and hit the next statement, so the
  // connection must not be used again.
  bool cancelled = false;
  SteadyTime due;  // when to cancel, and after that, when to cut the connection
};

// One per process: a thread that watches deadlines, without waiting for any server, and one that
// prunes idle connections. Thread-safe. Never destroyed.
class Watchdog {
 public:
  static Watchdog& Get();

  void Add(const std::shared_ptr<InFlight>& in_flight);
  void Remove(const std::shared_ptr<InFlight>& in_flight);
  // Starts watching; the statement is about to be sent.
  void Arm(InFlight& in_flight, SteadyTime deadline);
  // The statement ended. True when it was cancelled.
  bool Disarm(InFlight& in_flight);

  // From now on every statement counts as overdue. See StopStatements.
  void StopAll();
  bool stopping() const { return stopping_.load(); }
  // Readable from then on: other code that waits for a server polls it.
  int stop_fd() const { return stopped_.get(); }

  // Calls `prune` every few seconds until RemovePruner(key), which waits for a running call.
  void AddPruner(const void* key, std::function<void()> prune);
  void RemovePruner(const void* key);

 private:
  Watchdog();
  void Watch();
  SteadyTime Scan();
  void PruneForEver();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::set<std::shared_ptr<InFlight>> watched_;
  bool rescan_ = false;
  std::atomic<bool> stopping_{false};
  const WakeFd stopped_;
  std::atomic<SteadyTime> next_look_{SteadyTime::max()};

  std::mutex pruners_mutex_;
  std::deque<std::pair<const void*, std::function<void()>>> pruners_;
};

}  // namespace gatehouse::db
