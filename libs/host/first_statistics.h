#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace gatehouse::db {
class Database;
}

namespace gatehouse::host {

// Has PostgreSQL gather the statistics of tables that grow fast from nothing: those of a new
// database, or of a service that begins to be used. autovacuum does it too, but a minute later, and
// until then plans are bad. Databases that are not in use are left alone. For one job.
class FirstStatistics {
 public:
  using Pools = std::function<std::vector<std::shared_ptr<db::Database>>()>;

  // `pools`: those that exist. The job looks every second, and there may be ten thousand tenants,
  // so it does not go through these. `tables`: base names, which outlive this.
  FirstStatistics(Pools pools, std::vector<std::string_view> tables)
      : pools_(std::move(pools)), tables_(std::move(tables)) {}

  // Looks at the databases that have been in use since the last time. One that fails is left alone
  // for a minute: that it is away, or takes no writes, is others' business. The first error.
  absl::Status Run(absl::Time deadline);

 private:
  struct Look {
    int64_t statements = 0;  // executed by the pool until then
    absl::Time rest_until = absl::InfinitePast();
  };
  absl::Status LookAt(db::Database& database, absl::Time deadline, Look& look);

  const Pools pools_;
  const std::vector<std::string_view> tables_;
  std::map<const db::Database*, Look> looks_;  // the last at each pool
};

}  // namespace gatehouse::host
