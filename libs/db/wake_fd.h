#pragma once

// Private to libs/db.

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

namespace gatehouse::db {

// A descriptor that becomes readable, permanently, when Wake is called: ends a poll. Thread-safe.
class WakeFd {
 public:
  WakeFd() : fd_(::eventfd(0, EFD_CLOEXEC)) {}
  ~WakeFd() { ::close(fd_); }
  WakeFd(const WakeFd&) = delete;
  WakeFd& operator=(const WakeFd&) = delete;

  // Negative when the process has no descriptors left.
  int get() const { return fd_; }
  void Wake() const {
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(fd_, &one, sizeof(one));
  }

 private:
  const int fd_;
};

}  // namespace gatehouse::db
