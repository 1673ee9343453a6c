#pragma once

#include <cstdint>

namespace gatehouse::users {

// When to look for users that are not settled (pg_settle_users.h): for a minute from the start, from
// every removal of a tenant and from every failure. At other times the databases are left alone, so
// that those of idle tenants may close their connections. Not thread-safe.
class SettlePeriod {
 public:
  // `removals`: TenantDirectory::removals.
  bool Due(uint64_t removals, int64_t now_ms) {
    if (until_ms_ == 0 || removals != removals_) Extend(now_ms);
    removals_ = removals;
    return now_ms < until_ms_;
  }
  void Extend(int64_t now_ms) { until_ms_ = now_ms + 60'000; }

 private:
  uint64_t removals_ = 0;
  int64_t until_ms_ = 0;  // 0: never asked
};

}  // namespace gatehouse::users
