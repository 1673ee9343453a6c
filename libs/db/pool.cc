#include "libs/db/pool.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "libs/base/status.h"
#include "libs/base/steady_time.h"
#include "libs/db/error_map.h"
#include "libs/db/watchdog.h"

namespace gatehouse::db {
namespace {

// After a failed attempt nobody tries again for this long: a server that is down or full is not
// helped by an attempt per request, and recovery is noticed soon enough. Where attempts hang until
// they time out, the pause is as long as the attempt, so that few threads are spent on it.
constexpr absl::Duration kConnectPause = absl::Milliseconds(50);
constexpr absl::Duration kLongestConnectPause = absl::Seconds(5);

}  // namespace

Pool::Pool(std::string conninfo, const DatabaseOptions& options)
    : conninfo_(std::move(conninfo)),
      size_(static_cast<size_t>(options.pool_size)),
      min_idle_(static_cast<size_t>(options.min_idle)),
      max_waiting_(static_cast<size_t>(options.max_waiting)),
      idle_timeout_(options.idle_timeout),
      statement_timeout_(options.default_statement_timeout) {
  Watchdog::Get().AddPruner(this, [this] { Prune(); });
}

Pool::~Pool() { Watchdog::Get().RemovePruner(this); }

absl::StatusOr<std::unique_ptr<Connection>> Pool::Acquire(absl::Time deadline) {
  std::unique_lock lock(mutex_);
  if (waiters_.empty() && lent_ < size_) {
    ++lent_;
    lock.unlock();
    return Provide();
  }
  if (waiters_.size() >= max_waiting_) {
    ++refused_;
    return MakeError(ErrorReason::kOverloaded, "Too many requests, try again");
  }
  Waiter waiter;
  const auto place = waiters_.insert(waiters_.end(), &waiter);
  const bool granted =
      waiter.wake.wait_until(lock, ToSteadyClock(deadline), [&] { return waiter.granted; });
  if (!granted) {
    waiters_.erase(place);
    ++wait_timeouts_;
    return DeadlinePassed("no connection became free");
  }
  lock.unlock();
  if (waiter.connection != nullptr) return std::move(waiter.connection);
  return Provide();
}

// The caller has the right to a connection, counted in lent_.
absl::StatusOr<std::unique_ptr<Connection>> Pool::Provide() {
  for (;;) {
    std::unique_ptr<Connection> connection;
    {
      const std::lock_guard lock(mutex_);
      if (idle_.empty()) break;
      connection = std::move(idle_.back().connection);
      idle_.pop_back();
    }
    if (connection->LooksAlive()) return connection;
  }
  auto connection = Connect();
  if (!connection.ok()) GiveBackRight();
  return connection;
}

absl::StatusOr<std::unique_ptr<Connection>> Pool::Connect() {
  if (Watchdog::Get().stopping()) return DeadlinePassed("no connection: the process is stopping");
  {
    const std::lock_guard lock(mutex_);
    // While the server is away one caller at a time finds out whether it is back.
    if (failing_ && (probing_ || SteadyNow() < refuse_until_)) return last_failure_;
    probing_ = failing_;
  }
  const absl::Time begun = SteadyNow();
  auto connection = Connection::Open(conninfo_, statement_timeout_);
  const std::lock_guard lock(mutex_);
  probing_ = false;
  failing_ = !connection.ok();
  if (connection.ok()) {
    ++connects_;
    return connection;
  }
  ++connect_failures_;
  const absl::Time now = SteadyNow();
  refuse_until_ = now + std::clamp(now - begun, kConnectPause, kLongestConnectPause);
  last_failure_ = connection.status();
  return connection;
}

void Pool::GiveBackRight() {
  const std::lock_guard lock(mutex_);
  if (waiters_.empty()) {
    --lent_;
    return;
  }
  Waiter* next = waiters_.front();
  waiters_.pop_front();
  next->granted = true;
  next->wake.notify_one();
}

void Pool::Release(std::unique_ptr<Connection> connection) {
  if (!connection->usable()) {
    connection.reset();
    GiveBackRight();
    return;
  }
  std::unique_ptr<Connection> closing;  // closed outside the lock
  const std::lock_guard lock(mutex_);
  if (waiters_.empty()) {
    --lent_;
    if (retired_) {
      closing = std::move(connection);
      return;
    }
    idle_.push_back({std::move(connection), SteadyNow()});
    return;
  }
  Waiter* next = waiters_.front();
  waiters_.pop_front();
  next->connection = std::move(connection);
  next->granted = true;
  next->wake.notify_one();
}

void Pool::CloseIdle() {
  std::deque<Idle> closing;  // closed outside the lock
  const std::lock_guard lock(mutex_);
  closing.swap(idle_);
}

void Pool::Retire() {
  {
    const std::lock_guard lock(mutex_);
    retired_ = true;
  }
  CloseIdle();
}

void Pool::Prune() {
  std::vector<std::unique_ptr<Connection>> closing;
  const absl::Time before = SteadyNow() - idle_timeout_;
  {
    const std::lock_guard lock(mutex_);
    while (idle_.size() > min_idle_ && idle_.front().since < before) {
      closing.push_back(std::move(idle_.front().connection));
      idle_.pop_front();
    }
  }
}

void Pool::AddStats(DatabaseStats& stats) const {
  const std::lock_guard lock(mutex_);
  stats.in_use = static_cast<int>(lent_);
  stats.idle = static_cast<int>(idle_.size());
  stats.waiting = static_cast<int>(waiters_.size());
  stats.connects = connects_;
  stats.connect_failures = connect_failures_;
  stats.wait_timeouts = wait_timeouts_;
  stats.refused = refused_;
}

}  // namespace gatehouse::db
