#include "libs/db/pool.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "libs/base/status.h"
#include "libs/base/steady_time.h"
#include "libs/db/error_map.h"
#include "libs/db/server_connection.h"
#include "libs/db/watchdog.h"

namespace gatehouse::db {
namespace {

// The pause after a failed attempt: more attempts would not help a server that is down, and its
// return is noticed soon enough.
constexpr absl::Duration kPause = absl::Milliseconds(100);
// A server without a free connection is asked less and less often while we have others in use.
constexpr absl::Duration kLongestPause = absl::Seconds(2);
// A server without a free connection may have one again in a moment: a process that ended holds its
// own a little longer.
constexpr absl::Duration kFullPatience = absl::Seconds(2);

// 53300 too_many_connections, and other resources that the server lacks.
bool IsFull(const absl::Status& status) { return SqlStateOf(status).starts_with("53"); }

}  // namespace

Pool::Pool(std::string conninfo, const DatabaseOptions& options)
    : conninfo_(std::move(conninfo)),
      options_(options),
      stop_fd_(::eventfd(0, EFD_CLOEXEC)),
      size_(static_cast<size_t>(options.pool_size)),
      pause_(kPause) {
  Watchdog::Get().AddPruner(this, [this] { Prune(); });
}

Pool::~Pool() {
  Watchdog::Get().RemovePruner(this);
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  opener_wake_.notify_all();
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(stop_fd_, &one, sizeof(one));
  if (opener_.joinable()) opener_.join();
  ::close(stop_fd_);
}

void Pool::Saw(Owner owner) {
  if (several_owners_ || owner == kNobody) return;
  if (!first_owner_.has_value()) first_owner_ = owner;
  several_owners_ = owner != *first_owner_;
}

bool Pool::MayLend(Owner owner) const {
  if (!several_owners_ || owner == kNobody || size_ < 2) return true;
  const auto lent = lent_by_owner_.find(owner);
  return lent == lent_by_owner_.end() || lent->second < size_ - 1;
}

void Pool::CountLent(Owner owner) {
  ++lent_;
  ++lent_by_owner_[owner];
}

void Pool::CountReturned(Owner owner) {
  --lent_;
  const auto lent = lent_by_owner_.find(owner);
  if (--lent->second == 0) lent_by_owner_.erase(lent);
}

std::list<Pool::Waiter*>::iterator Pool::Next() {
  return std::find_if(waiters_.begin(), waiters_.end(),
                      [this](const Waiter* waiter) { return MayLend(waiter->owner); });
}

absl::StatusOr<std::unique_ptr<Connection>> Pool::Acquire(absl::Time deadline, Owner owner) {
  if (Watchdog::Get().stopping()) return DeadlinePassed("no connection: the process is stopping");
  Lock lock(mutex_);
  Saw(owner);
  if (MayLend(owner)) {
    if (auto connection = TakeIdle(lock, owner); connection != nullptr) return connection;
  }
  asked_ = true;
  if (failing_) {
    // If the opener has ended, there was no caller for a while: a new one waits for the outcome.
    const bool known = opener_runs_ || SteadyNow() < try_after_;
    if (known) {
      WakeOpener();
      return last_failure_;
    }
  }
  // Callers for whom a connection can be opened don't count as queued.
  const size_t room = size_ - std::min(size_, lent_ + idle_.size());
  if (waiters_.size() >= room + static_cast<size_t>(options_.max_waiting)) {
    ++refused_;
    return MakeError(ErrorReason::kOverloaded, "Too many requests, try again");
  }
  Waiter waiter{.owner = owner};
  const auto place = waiters_.insert(waiters_.end(), &waiter);
  WakeOpener();
  if (!waiter.wake.wait_until(lock, ToSteadyClock(deadline), [&] { return waiter.done; })) {
    waiters_.erase(place);
    ++wait_timeouts_;
    return DeadlinePassed("no connection became free");
  }
  return std::move(waiter.outcome);
}

// An idle connection that is alive; it counts as lent. Probes it without the lock.
std::unique_ptr<Connection> Pool::TakeIdle(Lock& lock, Owner owner) {
  while (!idle_.empty()) {
    std::unique_ptr<Connection> connection = std::move(idle_.back().connection);
    idle_.pop_back();
    CountLent(owner);
    lock.unlock();
    if (connection->LooksAlive()) return connection;
    connection.reset();
    lock.lock();
    CountReturned(owner);
  }
  return nullptr;
}

bool Pool::Wanted() {
  if (!Room()) return false;
  return Next() != waiters_.end() || (!retired_ && (failing_ ? asked_ : !lost_sessions_.empty()));
}

void Pool::WakeOpener() {
  if (stopping_ || !Wanted()) return;
  if (opener_runs_) {
    opener_wake_.notify_one();
    return;
  }
  if (opener_.joinable()) opener_.join();  // it has ended
  try {
    opener_ = std::thread([this] { RunOpener(); });
    opener_runs_ = true;
  } catch (const std::system_error&) {
    // No thread now: the next caller tries again.
  }
}

void Pool::RunOpener() {
  Lock lock(mutex_);
  while (!stopping_ && Wanted()) {
    if (SteadyNow() < try_after_) {
      opener_wake_.wait_until(lock, ToSteadyClock(try_after_));
      continue;
    }
    opening_ = true;
    asked_ = false;
    ++lent_;
    std::vector<ServerSession> to_end = std::exchange(lost_sessions_, {});
    lock.unlock();
    const absl::Time begun = SteadyNow();
    auto connection = Open(to_end);
    const absl::Duration took = SteadyNow() - begun;
    lock.lock();
    opening_ = false;
    --lent_;
    if (!connection.ok()) {
      lost_sessions_.insert(lost_sessions_.end(), to_end.begin(), to_end.end());
      Failed(connection.status(), took);
      continue;
    }
    ++connects_;
    failing_ = false;
    pause_ = kPause;
    full_since_ = absl::InfiniteFuture();
    if (retired_ && Next() == waiters_.end()) {
      lock.unlock();
      connection->reset();
      lock.lock();
    } else {
      Settle(*std::move(connection));
    }
  }
  opener_runs_ = false;
}

absl::StatusOr<std::unique_ptr<Connection>> Pool::Open(
    const std::vector<ServerSession>& to_end) const {
  auto connection = Connection::Open(
      conninfo_, options_, {options_.connect_silence, options_.connect_timeout, stop_fd_});
  if (!connection.ok() || to_end.empty()) return connection;
  const absl::Status ended =
      (*connection)->EndSessions(SteadyNow() + options_.connect_silence, to_end);
  // If the server does not let us, they end by their own time-outs.
  if (!(*connection)->usable()) return ended;
  return connection;
}

// Decides whether waiting callers keep waiting.
void Pool::Failed(const absl::Status& status, absl::Duration took) {
  ++connect_failures_;
  last_failure_ = status;
  const absl::Time now = SteadyNow();
  const bool over = Watchdog::Get().stopping();
  if (!over && lent_ > 0 && took < options_.connect_silence) {
    // Other connections are open, and the server refused at once: wait for one of them to be
    // returned.
    try_after_ = now + std::exchange(pause_, std::min(2 * pause_, kLongestPause));
    return;
  }
  pause_ = kPause;
  try_after_ = now + kPause;
  if (!over && IsFull(status)) {
    full_since_ = std::min(full_since_, now);
    if (now - full_since_ < kFullPatience) return;
  }
  failing_ = true;
  while (!waiters_.empty()) Answer(waiters_.begin(), status);
}

void Pool::Answer(std::list<Waiter*>::iterator waiter,
                  absl::StatusOr<std::unique_ptr<Connection>> outcome) {
  Waiter* next = *waiter;
  waiters_.erase(waiter);
  next->outcome = std::move(outcome);
  next->done = true;
  next->wake.notify_one();
}

// Lends a free connection to the first waiting caller that may have it, or keeps it.
void Pool::Settle(std::unique_ptr<Connection> connection) {
  const auto next = Next();
  if (next == waiters_.end()) {
    idle_.push_back({std::move(connection), SteadyNow()});
    return;
  }
  CountLent((*next)->owner);
  Answer(next, std::move(connection));
}

void Pool::Release(std::unique_ptr<Connection> connection, Owner owner) {
  std::deque<Idle> closing;  // closed outside the lock
  const bool usable = connection->usable();
  const bool lost = connection->lost();
  const std::optional<ServerSession> session = connection->session();
  // Closed before its place is freed, so that the server never sees one more.
  if (!usable) connection.reset();
  const std::lock_guard lock(mutex_);
  CountReturned(owner);
  // If the server is gone the others are dead too, and each would cost a request to find out.
  if (lost) {
    closing.swap(idle_);
    if (session.has_value() && lost_sessions_.size() < 2 * size_) {
      lost_sessions_.push_back(*session);
    }
  }
  const bool kept = usable && Room() && !(retired_ && Next() == waiters_.end());
  if (kept) {
    Settle(std::move(connection));
    return;
  }
  if (usable) closing.push_back({std::move(connection), absl::InfinitePast()});
  // The owner's next may have one now. The idle ones have not been looked at for a while, so it
  // gets a new one.
  if (!idle_.empty() && Next() != waiters_.end()) {
    for (Idle& idle : idle_) closing.push_back(std::move(idle));
    idle_.clear();
  }
  // A place is free, so there is no need to wait for a returned connection.
  if (!waiters_.empty()) try_after_ = std::min(try_after_, SteadyNow() + kPause);
  WakeOpener();
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

bool Pool::Reserve() {
  {
    const std::lock_guard lock(mutex_);
    if (size_ < 2) return false;
    --size_;
    if (lent_ + idle_.size() <= size_) return true;
  }
  CloseIdle();
  return true;
}

absl::StatusOr<std::unique_ptr<Connection>> Pool::OpenReserved(int stop_fd) const {
  return Connection::Open(conninfo_, options_,
                          {options_.connect_silence, options_.connect_timeout, stop_fd});
}

void Pool::Prune() {
  std::vector<std::unique_ptr<Connection>> closing;
  const absl::Time before = SteadyNow() - options_.idle_timeout;
  {
    const std::lock_guard lock(mutex_);
    while (idle_.size() > static_cast<size_t>(options_.min_idle) && idle_.front().since < before) {
      closing.push_back(std::move(idle_.front().connection));
      idle_.pop_front();
    }
  }
}

void Pool::AddStats(DatabaseStats& stats) const {
  const std::lock_guard lock(mutex_);
  stats.in_use = static_cast<int>(lent_ - (opening_ ? 1 : 0));
  stats.idle = static_cast<int>(idle_.size());
  stats.waiting = static_cast<int>(waiters_.size());
  stats.connects = connects_;
  stats.connect_failures = connect_failures_;
  stats.wait_timeouts = wait_timeouts_;
  stats.refused = refused_;
}

}  // namespace gatehouse::db
