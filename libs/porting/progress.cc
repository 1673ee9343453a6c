#include "libs/porting/progress.h"

#include <unistd.h>

#include <algorithm>
#include <iostream>

#include "libs/base/steady_time.h"
#include "libs/base/strings.h"

namespace gatehouse::porting {
namespace {

constexpr absl::Duration kRedraw = absl::Milliseconds(200);
constexpr absl::Duration kLine = absl::Seconds(10);
constexpr int kWidth = 30;

}  // namespace

Progress::Progress(std::string what, int64_t total)
    : what_(std::move(what)), total_(total), terminal_(::isatty(STDERR_FILENO) == 1) {
  // The first line of a quick run would say nothing.
  if (!terminal_) shown_ = SteadyNow();
}

Progress::~Progress() {
  if (line_.empty()) return;
  Clear();
  std::cerr << line_ << std::endl;
}

void Progress::Show(int64_t done, std::string_view text) {
  line_ = what_;
  if (total_ > 0) {
    const int64_t percent = std::clamp<int64_t>(done * 100 / total_, 0, 100);
    if (terminal_) {
      const auto full = static_cast<size_t>(percent * kWidth / 100);
      line_ += StrCat(" [", std::string(full, '#'), std::string(kWidth - full, ' '), "]");
    }
    line_ += StrCat(" ", std::to_string(percent), "%");
  }
  line_ += StrCat(terminal_ ? " " : ": ", text);
  const absl::Time now = SteadyNow();
  if (now - shown_ < (terminal_ ? kRedraw : kLine)) return;
  shown_ = now;
  if (!terminal_) {
    std::cerr << line_ << std::endl;
    return;
  }
  std::cerr << "\r\x1b[K" << line_ << std::flush;
  is_drawn_ = true;
}

void Progress::Clear() {
  if (!is_drawn_) return;
  std::cerr << "\r\x1b[K" << std::flush;
  is_drawn_ = false;
}

}  // namespace gatehouse::porting
