#pragma once

#include <atomic>
#include <cstdint>

namespace gatehouse::gateway {

// How many requests this process has answered, by the class of their status. Thread-safe.
class ReplyTotals {
 public:
  struct Totals {
    int64_t success = 0;       // 2xx
    int64_t client_error = 0;  // 4xx
    int64_t server_error = 0;  // 5xx
    int64_t all = 0;           // those and others
  };

  // `now_ms` is when counting begins, in epoch milliseconds.
  explicit ReplyTotals(int64_t now_ms) : since_ms_(now_ms) {}

  void Count(int status) {
    if (status / 100 == 2) ++success_;
    if (status / 100 == 4) ++client_error_;
    if (status / 100 == 5) ++server_error_;
    ++all_;
  }
  Totals Read() const {
    return {.success = success_,
            .client_error = client_error_,
            .server_error = server_error_,
            .all = all_};
  }
  int64_t since_ms() const { return since_ms_; }

 private:
  const int64_t since_ms_;
  std::atomic<int64_t> success_ = 0;
  std::atomic<int64_t> client_error_ = 0;
  std::atomic<int64_t> server_error_ = 0;
  std::atomic<int64_t> all_ = 0;
};

}  // namespace gatehouse::gateway
