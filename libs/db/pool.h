#pragma once

// Private to libs/db: a bounded set of connections.

#include <atomic>
#include <condition_variable>
#include <deque>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/base/owner.h"
#include "libs/db/connection.h"
#include "libs/db/database.h"

namespace gatehouse::db {

// Lends connections, first come first served, and never has more than its size. One of them is left
// to others, however many an owner asks for, once a second owner was seen. They are opened by
// a thread that runs while there is something to open: so a waiting caller gets the first
// connection that is free, new or returned, and waits no longer than its own deadline. Thread-safe.
//
// While the server can't be reached the thread keeps trying as long as callers come, and every
// caller gets the last failure at once.
class Pool {
 public:
  // `options` outlive the pool.
  Pool(std::string conninfo, const DatabaseOptions& options);
  // Ends an attempt to connect; waits only for a look-up of the host's name.
  ~Pool();

  // A connection that was alive a moment ago. kOverloaded when too many are waiting already,
  // kDeadlineExceeded, or kDependencyDown. To be released for the same owner.
  absl::StatusOr<std::unique_ptr<Connection>> Acquire(absl::Time deadline, Owner owner);
  void Release(std::unique_ptr<Connection> connection, Owner owner);
  void CloseIdle();
  // From now on connections are closed when they are returned.
  void Retire();
  // Takes one connection out of the pool's size for good, for a use that never returns it. False if
  // that would leave none.
  bool Reserve();

  // Opens a connection that is not the pool's, for the caller of Reserve. Ends when `stop_fd` is
  // readable.
  absl::StatusOr<std::unique_ptr<Connection>> OpenReserved(int stop_fd) const;

  // Fills in the pool's part.
  void AddStats(DatabaseStats& stats) const;

 private:
  struct Waiter {
    Owner owner;
    std::condition_variable wake;
    bool done = false;
    absl::StatusOr<std::unique_ptr<Connection>> outcome = nullptr;
  };
  struct Idle {
    std::unique_ptr<Connection> connection;
    absl::Time since;
  };
  using Lock = std::unique_lock<std::mutex>;

  // All with the lock held.
  bool Room() const { return lent_ + idle_.size() < size_; }
  void Saw(Owner owner);
  bool MayLend(Owner owner) const;
  void CountLent(Owner owner);
  void CountReturned(Owner owner);
  // Who gets the next connection: the first who may have one. The end if nobody does; then those
  // who wait do so for their own.
  std::list<Waiter*>::iterator Next();
  bool Wanted();
  void WakeOpener();
  void Settle(std::unique_ptr<Connection> connection);
  void Answer(std::list<Waiter*>::iterator waiter,
              absl::StatusOr<std::unique_ptr<Connection>> outcome);
  void Failed(const absl::Status& status, absl::Duration took);

  // Without the lock. A connection that has ended the sessions.
  absl::StatusOr<std::unique_ptr<Connection>> Open(const std::vector<ServerSession>& to_end) const;

  std::unique_ptr<Connection> TakeIdle(Lock& lock, Owner owner);
  void RunOpener();
  void Prune();

  const std::string conninfo_;
  const DatabaseOptions& options_;
  const int stop_fd_;

  mutable std::mutex mutex_;
  size_t size_;
  size_t lent_ = 0;        // connections in use
  std::deque<Idle> idle_;  // the most recently used last
  // None that may have a connection waits while one is idle.
  std::list<Waiter*> waiters_;
  absl::flat_hash_map<Owner, size_t> lent_by_owner_;
  std::optional<Owner> first_owner_;  // that was seen
  bool several_owners_ = false;       // were seen
  // Of connections that were lost in use. If the server has not noticed, they still hold their
  // locks: the next connection ends them.
  std::vector<ServerSession> lost_sessions_;
  bool retired_ = false;

  std::thread opener_;
  std::condition_variable opener_wake_;
  bool opener_runs_ = false;
  bool stopping_ = false;
  bool opening_ = false;
  bool asked_ = false;  // since the last attempt began
  // The last attempt failed, and no caller waits for another.
  bool failing_ = false;
  absl::Status last_failure_;
  absl::Time try_after_ = absl::InfinitePast();
  absl::Duration pause_;
  absl::Time full_since_ = absl::InfiniteFuture();  // no connection, the server being full

  std::atomic<int64_t> connects_{0};
  std::atomic<int64_t> connect_failures_{0};
  std::atomic<int64_t> wait_timeouts_{0};
  std::atomic<int64_t> refused_{0};
};

}  // namespace gatehouse::db
