#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>

#include <signal.h>

#include "absl/time/time.h"

namespace gatehouse::process {

// Handles SIGTERM and SIGINT, from its construction on, on its own thread: the first one requests a
// stop, and starts the time after which the process is ended, whatever hangs. Further ones change
// nothing. Construct it before any other thread, which inherits the signals' mask. Thread-safe.
class StopOnSignal {
 public:
  // How the process ends if it does not end by itself.
  struct Limit {
    absl::Duration after;  // the signal
    int exit_status;
  };

  // `on_signal` runs on the signal's thread, after the stop has been requested.
  explicit StopOnSignal(std::function<Limit(int signal_number)> on_signal);
  ~StopOnSignal();
  StopOnSignal(const StopOnSignal&) = delete;
  StopOnSignal& operator=(const StopOnSignal&) = delete;

  std::stop_token token() const { return stop_.get_token(); }
  bool requested() const { return stop_.stop_requested(); }
  // Waits for a signal.
  void Wait();

 private:
  void Run();

  const std::function<Limit(int)> on_signal_;
  sigset_t signals_;
  std::stop_source stop_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool ended_ = false;  // the process ends by itself
  std::thread thread_;
};

}  // namespace gatehouse::process
