#pragma once

// Private to libs/db: a bounded set of connections.

#include <atomic>
#include <condition_variable>
#include <deque>
#include <list>
#include <memory>
#include <mutex>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/db/connection.h"
#include "libs/db/database.h"

namespace gatehouse::db {

// Lends connections, in the order of asking. Makes them when needed and lets idle ones go.
// Thread-safe.
class Pool {
 public:
  Pool(std::string conninfo, const DatabaseOptions& options);
  ~Pool();

  // A connection that was alive a moment ago. kOverloaded when too many wait already,
  // kDeadlineExceeded, or kDependencyDown.
  absl::StatusOr<std::unique_ptr<Connection>> Acquire(absl::Time deadline);
  void Release(std::unique_ptr<Connection> connection);
  void CloseIdle();
  // From now on connections are closed when they are given back.
  void Retire();

  // Fills the pool's part.
  void AddStats(DatabaseStats& stats) const;

 private:
  struct Waiter {
    std::condition_variable wake;
    bool granted = false;
    std::unique_ptr<Connection> connection;  // none: the right to open one
  };
  struct Idle {
    std::unique_ptr<Connection> connection;
    absl::Time since;
  };

  absl::StatusOr<std::unique_ptr<Connection>> Provide();
  absl::StatusOr<std::unique_ptr<Connection>> Connect();
  void GiveBackRight();
  void Prune();

  const std::string conninfo_;
  const size_t size_;
  const size_t min_idle_;
  const size_t max_waiting_;
  const absl::Duration idle_timeout_;
  const absl::Duration statement_timeout_;

  mutable std::mutex mutex_;
  size_t lent_ = 0;        // connections in use, and rights to open one
  std::deque<Idle> idle_;  // the most recently used last
  std::list<Waiter*> waiters_;
  bool retired_ = false;
  bool failing_ = false;  // the last attempt to connect failed
  bool probing_ = false;  // and one caller is trying again
  absl::Time refuse_until_ = absl::InfinitePast();
  absl::Status last_failure_;

  std::atomic<int64_t> connects_{0};
  std::atomic<int64_t> connect_failures_{0};
  std::atomic<int64_t> wait_timeouts_{0};
  std::atomic<int64_t> refused_{0};
};

}  // namespace gatehouse::db
