#pragma once

#include <string>
#include <string_view>

#include "absl/time/time.h"

namespace gatehouse::host {

// Logs what a start waits for: at once, then every half minute. For one thread.
class WaitingLog {
 public:
  // `what`: "the database".
  explicit WaitingLog(std::string_view what);
  // May be called any number of times; `cause` is why it has to wait now.
  void Say(std::string_view cause);

 private:
  const std::string what_;
  const absl::Time since_;
  absl::Time next_;
};

}  // namespace gatehouse::host
