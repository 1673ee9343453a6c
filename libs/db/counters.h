#pragma once

// Private to libs/db: what tests and metrics count.

#include <atomic>
#include <cstdint>

namespace gatehouse::db {

struct Counters {
  std::atomic<int64_t> statements{0};
  std::atomic<int64_t> round_trips{0};
  std::atomic<int64_t> statement_timeouts{0};
  std::atomic<int64_t> retries{0};

  // Both for the database and for the calling thread (ThreadStatements).
  void CountStatement();
  void CountRoundTrips(int64_t count);
};

}  // namespace gatehouse::db
