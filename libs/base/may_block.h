#pragma once

#include "absl/status/status.h"
#include "absl/strings/cord.h"

namespace gatehouse {

namespace may_block_internal {
inline thread_local bool t_may_block = true;
inline constexpr char kPayload[] = "gatehouse.would_block";
}  // namespace may_block_internal

// While one lives, the calling thread must not wait for a database, for another process, or for a
// thread that does: an I/O thread serves thousands of connections, and all of them would wait with
// it. Code that would block returns WouldBlock() instead, before it has any effect, so that it can
// be tried again on a thread that may block.
class NonBlockingScope {
 public:
  NonBlockingScope() : before_(may_block_internal::t_may_block) {
    may_block_internal::t_may_block = false;
  }
  ~NonBlockingScope() { may_block_internal::t_may_block = before_; }
  NonBlockingScope(const NonBlockingScope&) = delete;
  NonBlockingScope& operator=(const NonBlockingScope&) = delete;

 private:
  const bool before_;
};

// Code that is about to wait must check this.
inline bool MayBlock() { return may_block_internal::t_may_block; }

// Not an error: passed on unchanged, never logged, counted or shown.
inline absl::Status WouldBlock() {
  absl::Status status = absl::AbortedError("would block");
  status.SetPayload(may_block_internal::kPayload, absl::Cord());
  return status;
}
inline bool IsWouldBlock(const absl::Status& status) {
  return status.code() == absl::StatusCode::kAborted &&
         status.GetPayload(may_block_internal::kPayload).has_value();
}

}  // namespace gatehouse
