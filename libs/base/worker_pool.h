#pragma once

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "libs/base/fair_queue.h"
#include "libs/base/owner.h"
#include "libs/base/steady_time.h"

namespace gatehouse {

// A fixed number of threads and a bounded queue of work. Thread-safe.
//
// The bound keeps an overload from growing memory and from slowing every other pool: a full queue
// refuses at once, and the caller answers OVERLOADED. Where tasks are slow, a queue that is not
// full may still be too long: `max_wait` bounds the time in it, and twice that the usual time until
// a task has ended.
//
// The queue is shared fairly between owners, so that a storm of one leaves the others alone (ADR
// 20): owners take turns; where the queue is full, whoever has most in it gives up a place to those
// who have less; and no owner has all threads, once a second owner was seen.
class WorkerPool {
 public:
  using Task = absl::AnyInvocable<void()>;
  using Now = absl::Time (*)();
  // Whether anybody still waits for a queued task. Must not block; called under the pool's lock.
  using Wanted = absl::AnyInvocable<bool()>;

  // What an owner may have of the threads. All of them only where tasks end soon whatever happens,
  // since a server that does not answer holds a thread for as long as a request may take.
  enum class Threads { kAllButOne, kAll };

  // `name` labels the threads (at most 15 characters are kept by the kernel).
  WorkerPool(std::string name, size_t threads, size_t max_queued,
             absl::Duration max_wait = absl::InfiniteDuration(), Now now = SteadyNow,
             Threads an_owners = Threads::kAllButOne);
  ~WorkerPool();  // Stop()
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // Queues the task; false, without running it, when the queue is full, when the task would wait
  // longer than max_wait to judge by those before it, or when the pool is stopping. If it has
  // waited longer after all when its turn comes, `refused` runs in its place, unless that is null.
  // A task must not throw. One that is dropped unrun is destroyed: what it owns then notifies the
  // caller. So is one that is no longer `wanted` when its turn comes; a full queue looks for those
  // too, a few at each call, so that disconnected clients soon take no places.
  //
  // A full queue takes a task of an `owner` that has fewer waiting than another by more than one,
  // and drops the other's newest: its `refused` runs before this returns, on the calling thread.
  // While a task runs, its owner is OwnerScope::Current.
  [[nodiscard]] bool TrySubmit(Task task, Wanted wanted = nullptr, Task refused = nullptr,
                               Owner owner = kNobody);

  // Refuses new tasks and drops the queued ones. Does not wait. Idempotent.
  void DropQueued();
  // The same, then waits for running tasks. Idempotent; not from a pool thread.
  void Stop();
  // Stops a pool whose running tasks nobody waits for, and does not wait for them either: it is
  // kept, and they continue, until the process ends. The process must then end by _exit, since an
  // orderly end destroys what they use: see AnyLeftRunning.
  static void StopWithoutWaiting(std::unique_ptr<WorkerPool> pool);
  // Whether a pool was kept for tasks that ran.
  static bool AnyLeftRunning();

  // Waiting tasks, not counting running ones.
  size_t queued() const;
  const std::string& name() const { return name_; }

 private:
  struct Queued {
    Task task;
    Wanted wanted;  // null: always
    Task refused;   // null: it is run however long it has waited
    absl::Time since;
    bool IsWanted() { return !wanted || wanted(); }
  };
  using Queue = FairQueue<Queued>;

  void Run();
  // Runs what was taken from the queue; how long that took, or zero if it was not run.
  absl::Duration Run(Queue::Entry& entry, absl::Duration may_wait);
  // Whether one more finds no place. Under the lock.
  bool IsFull() const { return queue_.size() >= max_queued_; }
  // Whether one more of the owner's would have to wait too long. Under the lock.
  bool WouldWaitTooLong(Owner owner) const;
  // max_wait, or less where tasks take longer than that: both together are what callers wait for.
  // Under the lock.
  absl::Duration MayWait() const;
  // Moves some tasks that nobody waits for any more from the queue into `dropped`. Under the lock.
  void DropUnwanted(Queue::Entries& dropped);

  const std::string name_;
  const size_t max_queued_;
  const absl::Duration max_wait_;
  const Now now_;
  const bool timed_;  // whether it matters how long anything takes
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  Queue queue_;
  size_t running_ = 0;
  absl::Duration usual_run_;  // a moving average of what tasks take; 0 until one has ended
  bool stopping_ = false;
  std::vector<std::jthread> threads_;
};

}  // namespace gatehouse
