#include "libs/process/stop_on_signal.h"

#include <pthread.h>
#include <unistd.h>

#include <utility>

#include "libs/base/stop.h"
#include "libs/telemetry/log.h"

namespace gatehouse::process {

StopOnSignal::StopOnSignal(std::function<Limit(int)> on_signal) : on_signal_(std::move(on_signal)) {
  sigemptyset(&signals_);
  sigaddset(&signals_, SIGTERM);
  sigaddset(&signals_, SIGINT);
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

void StopOnSignal::Wait() {
  while (!WaitForStop(stop_.get_token(), absl::Hours(1))) {
  }
}

void StopOnSignal::Run() {
  pthread_setname_np(pthread_self(), "signals");
  int number = 0;
  sigwait(&signals_, &number);
  std::unique_lock lock(mutex_);
  if (ended_) return;
  lock.unlock();
  stop_.request_stop();
  const Limit limit = on_signal_(number);
  lock.lock();
  if (changed_.wait_for(lock, absl::ToChronoNanoseconds(limit.after), [this] { return ended_; })) {
    return;
  }
  telemetry::Log(telemetry::LogLevel::kError, "stop_overdue",
                 {{"seconds", json::Value::Double(absl::ToDoubleSeconds(limit.after))}});
  // Not exit: a hanging thread may hold something that an orderly end needs.
  _exit(limit.exit_status);
}

}  // namespace gatehouse::process
