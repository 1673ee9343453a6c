#pragma once

#include <string>
#include <string_view>

#include "absl/time/time.h"

namespace gatehouse::host {

// Says in the log what a start waits for: at once, then every half minute. One thread.
class WaitingLog {
 public:
  // `what`: "the database".
  explicit WaitingLog(std::string_view what);
  // Called as often as one likes; `cause` is why it has to be waited for now.
  void Say(std::string_view cause);

 private:
  const std::string what_;
  const absl::Time since_;
  absl::Time next_;
};

}  // namespace gatehouse::host
