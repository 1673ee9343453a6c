#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/time/time.h"

namespace gatehouse::porting {

// How far a command has come, on standard error: a bar that is redrawn on a terminal, else a line
// every ten seconds. For one thread.
class Progress {
 public:
  // `total` of what Show counts; 0: not known.
  Progress(std::string what, int64_t total);
  // Leaves the last state on its line.
  ~Progress();

  // `text` says it in words, such as "1200 users".
  void Show(int64_t done, std::string_view text);
  // Before anything else is written to the terminal.
  void Clear();

 private:
  const std::string what_;
  const int64_t total_;
  const bool terminal_;
  absl::Time shown_ = absl::InfinitePast();
  std::string line_;       // the latest state
  bool is_drawn_ = false;  // whether it stands on the terminal's line
};

}  // namespace gatehouse::porting
