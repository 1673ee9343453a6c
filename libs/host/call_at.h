#pragma once

#include <functional>
#include <thread>
#include <utility>

#include "absl/time/time.h"
#include "libs/base/steady_time.h"
#include "libs/base/stop.h"

namespace gatehouse::host {

// Calls a function at a given time, on its own thread, unless it is destroyed before; the
// destructor waits for a running call.
class CallAt {
 public:
  // `time`: of SteadyNow().
  CallAt(absl::Time time, std::function<void()> call)
      : thread_([time, call = std::move(call)](const std::stop_token& stop) {
          if (!WaitForStop(stop, time - SteadyNow())) call();
        }) {}

 private:
  std::jthread thread_;
};

}  // namespace gatehouse::host
