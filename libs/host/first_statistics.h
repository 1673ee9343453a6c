#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace gatehouse::tenancy {
class TenantDatabases;
class TenantDirectory;
}  // namespace gatehouse::tenancy

namespace gatehouse::host {

// Has PostgreSQL gather the statistics of tables that grow fast from nothing: those of a new
// database, or of a service that begins to be used. autovacuum does it too, but a minute later, and
// until then plans are bad. Databases that are not in use are left alone. For one job.
class FirstStatistics {
 public:
  // `tables`: base names. The others outlive it.
  FirstStatistics(const tenancy::TenantDirectory& directory, tenancy::TenantDatabases& databases,
                  std::vector<std::string_view> tables)
      : directory_(directory), databases_(databases), tables_(std::move(tables)) {}

  // Looks at the databases that have been in use since the last time. After a failure it rests for a
  // minute: a database that is away, or takes no writes, is others' business.
  absl::Status Run(absl::Time deadline);

 private:
  const tenancy::TenantDirectory& directory_;
  tenancy::TenantDatabases& databases_;
  const std::vector<std::string_view> tables_;
  absl::Time rest_until_ = absl::InfinitePast();
  std::map<std::string, int64_t> statements_;  // at the last look, by the database's id
};

}  // namespace gatehouse::host
