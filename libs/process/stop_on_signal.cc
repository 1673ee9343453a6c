#include "libs/process/stop_on_signal.h"

#include <pthread.h>
#include <unistd.h>

#include <utility>

#include "libs/telemetry/log.h"

namespace gatehouse::process {

StopOnSignal::StopOnSignal(std::function<Limit(int)> on_signal, std::function<bool()> hangup_stops)
    : on_signal_(std::move(on_signal)), hangup_stops_(std::move(hangup_stops)) {
  sigemptyset(&signals_);
  sigaddset(&signals_, SIGTERM);
  sigaddset(&signals_, SIGINT);
  sigaddset(&signals_, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  signal(SIGPIPE, SIG_IGN);
  thread_ = std::thread([this] { Run(); });
}

StopOnSignal::~StopOnSignal() {
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  changed_.notify_all();
  pthread_kill(thread_.native_handle(), SIGTERM);  // in case it still waits for one
  thread_.join();
}

bool StopOnSignal::WaitForHangup() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return hung_up_ || requested(); });
  hung_up_ = false;
  return !requested();
}

// The number of a signal that means to stop; 0: the process ends by itself.
int StopOnSignal::NextStop() {
  for (;;) {
    int number = 0;
    sigwait(&signals_, &number);
    const bool stops = number != SIGHUP || hangup_stops_();
    {
      const std::lock_guard lock(mutex_);
      if (ended_) return 0;
      hung_up_ |= !stops;
    }
    if (stops) stop_.request_stop();
    // Who waits looked at both under the lock.
    { const std::lock_guard lock(mutex_); }
    changed_.notify_all();
    if (stops) return number;
  }
}

void StopOnSignal::Run() {
  pthread_setname_np(pthread_self(), "signals");
  const int number = NextStop();
  if (number == 0) return;
  const Limit limit = on_signal_(number);
  std::unique_lock lock(mutex_);
  if (changed_.wait_for(lock, absl::ToChronoNanoseconds(limit.after), [this] { return ended_; })) {
    return;
  }
  telemetry::Log(telemetry::LogLevel::kError, "stop_overdue",
                 {{"seconds", json::Value::Double(absl::ToDoubleSeconds(limit.after))}});
  // Not exit: a hanging thread may hold something that an orderly end needs.
  _exit(limit.exit_status);
}

}  // namespace gatehouse::process
