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
// nothing. SIGHUP asks for a reload, or, where nothing is to be reloaded, for a stop. Construct it
// before any other thread, which inherits the signals' mask. Thread-safe.
class StopOnSignal {
 public:
  // How the process ends if it does not end by itself.
  struct Limit {
    absl::Duration after;  // the signal
    int exit_status;
  };

  // `on_signal` runs on the signal's thread, after the stop has been requested.
  // `hangup_stops` says whether a SIGHUP is a stop; it runs there too.
  StopOnSignal(std::function<Limit(int signal_number)> on_signal,
               std::function<bool()> hangup_stops);
  ~StopOnSignal();
  StopOnSignal(const StopOnSignal&) = delete;
  StopOnSignal& operator=(const StopOnSignal&) = delete;

  std::stop_token token() const { return stop_.get_token(); }
  bool requested() const { return stop_.stop_requested(); }
  // Waits for the next signal: true for a SIGHUP that came since the last call, false for a stop.
  bool WaitForHangup();

 private:
  void Run();
  int NextStop();

  const std::function<Limit(int)> on_signal_;
  const std::function<bool()> hangup_stops_;
  sigset_t signals_;
  std::stop_source stop_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool ended_ = false;  // the process ends by itself
  bool hung_up_ = false;
  std::thread thread_;
};

}  // namespace gatehouse::process
