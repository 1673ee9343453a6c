#include "libs/db/watchdog.h"

#include <sys/socket.h>

#include <algorithm>

#include "libs/base/steady_time.h"
#include "libs/db/stop_statements.h"

namespace gatehouse::db {
namespace {

// How long a server may take to react to a cancel request before the connection is cut: it takes
// about a millisecond, unless the network or the server hangs.
constexpr auto kCancelGrace = std::chrono::milliseconds(500);
// The same while the process ends, when nobody waits for the connection any more.
constexpr auto kStoppingGrace = std::chrono::milliseconds(100);
constexpr auto kPruneEvery = std::chrono::seconds(5);
constexpr auto kLongestWait = std::chrono::hours(1);

}  // namespace

Watchdog& Watchdog::Get() {
  static Watchdog* const watchdog = new Watchdog;
  return *watchdog;
}

Watchdog::Watchdog() {
  std::thread([this] { Watch(); }).detach();
  std::thread([this] { PruneForEver(); }).detach();
}

void Watchdog::Add(const std::shared_ptr<InFlight>& in_flight) {
  const std::lock_guard lock(mutex_);
  watched_.insert(in_flight);
}

void Watchdog::Remove(const std::shared_ptr<InFlight>& in_flight) {
  const std::lock_guard lock(mutex_);
  watched_.erase(in_flight);
}

void Watchdog::Arm(InFlight& in_flight, SteadyTime deadline) {
  {
    const std::lock_guard lock(in_flight.mutex);
    in_flight.armed = true;
    if (stopping_) deadline = std::chrono::steady_clock::now();
    in_flight.due = deadline;
  }
  // Usually the watchdog is already due earlier than this, for an older statement.
  if (deadline < next_look_.load()) {
    const std::lock_guard lock(mutex_);
    rescan_ = true;
    wake_.notify_one();
  }
}

bool Watchdog::Disarm(InFlight& in_flight) {
  const std::lock_guard lock(in_flight.mutex);
  in_flight.armed = false;
  return in_flight.cancelled;
}

void Watchdog::StopAll() {
  stopping_ = true;
  stopped_.Wake();
  const std::lock_guard lock(mutex_);
  const SteadyTime now = std::chrono::steady_clock::now();
  for (const std::shared_ptr<InFlight>& in_flight : watched_) {
    const std::lock_guard statement_lock(in_flight->mutex);
    in_flight->due = std::min(in_flight->due, now);
  }
  rescan_ = true;
  wake_.notify_one();
}

void Watchdog::Watch() {
  std::unique_lock lock(mutex_);
  for (;;) {
    rescan_ = false;
    // A thread that arms from here on wakes us, since the scan may have passed its connection.
    next_look_.store(SteadyTime::max());
    const SteadyTime next = Scan();
    next_look_.store(next);
    const auto until = std::min(next, std::chrono::steady_clock::now() + kLongestWait);
    wake_.wait_until(lock, until, [this] { return rescan_; });
  }
}

SteadyTime Watchdog::Scan() {
  SteadyTime next = SteadyTime::max();
  const SteadyTime now = std::chrono::steady_clock::now();
  for (const std::shared_ptr<InFlight>& in_flight : watched_) {
    const std::lock_guard lock(in_flight->mutex);
    if (!in_flight->armed) continue;
    if (in_flight->due <= now) {
      // Sent again when the connection is cut: a server that had not begun the statement yet has
      // ignored the first one, and would run it for nobody.
      Canceller::Get().Send(in_flight->cancel_key);
      if (in_flight->cancelled) ::shutdown(in_flight->socket, SHUT_RDWR);
      in_flight->cancelled = true;
      in_flight->due = now + (stopping_ ? kStoppingGrace : kCancelGrace);
    }
    next = std::min(next, in_flight->due);
  }
  return next;
}

void Watchdog::AddPruner(const void* key, std::function<void()> prune) {
  const std::lock_guard lock(pruners_mutex_);
  pruners_.emplace_back(key, std::move(prune));
}

void Watchdog::RemovePruner(const void* key) {
  const std::lock_guard lock(pruners_mutex_);
  std::erase_if(pruners_, [key](const auto& pruner) { return pruner.first == key; });
}

void Watchdog::PruneForEver() {
  for (;;) {
    std::this_thread::sleep_for(kPruneEvery);
    const std::lock_guard lock(pruners_mutex_);
    for (const auto& [key, prune] : pruners_) prune();
  }
}

void StopStatements() { Watchdog::Get().StopAll(); }

}  // namespace gatehouse::db
