#include "libs/host/first_statistics.h"

#include <algorithm>
#include <utility>

#include "libs/base/status.h"
#include "libs/base/steady_time.h"
#include "libs/db/database.h"
#include "libs/host/each_database.h"
#include "libs/tenancy/tenant.h"

namespace gatehouse::host {
namespace {

// Statements. Most change one row, and a table's first pages hold hundreds.
constexpr int64_t kWorthALook = 10;
// For a database that is silent: the others wait for it.
constexpr absl::Duration kPatience = absl::Seconds(10);
// As often as autovacuum comes by.
constexpr absl::Duration kRest = absl::Minutes(1);

// $1 tables' names. Looks them up in the catalog by its index on names.
constexpr db::Statement kGather = {
    "gather_statistics", "SELECT {schema}.{~gatehouse_gather_statistics}($1::text[])"};

}  // namespace

absl::Status FirstStatistics::Run(absl::Time deadline) {
  if (SteadyNow() < rest_until_) return absl::OkStatus();
  std::map<std::string, int64_t> statements;
  const absl::Status status = InEachDatabase(
      directory_, databases_,
      [&](db::Database& database, const tenancy::Tenant& tenant) -> absl::Status {
        int64_t& seen = statements[tenant.database_id];
        const auto last = statements_.find(tenant.database_id);
        if (last != statements_.end()) seen = last->second;
        const int64_t now = database.statements_executed();
        // Fewer than before: another pool, of changed settings.
        if (now >= seen && now - seen < kWorthALook) return absl::OkStatus();
        const int64_t before = std::exchange(seen, now);  // a database that is down is left alone
        db::TextArray names;
        for (const std::string_view table : tables_) {
          names.values.push_back(database.tables().Bare(table));
        }
        const absl::Time until = std::min(deadline, SteadyNow() + kPatience);
        bool more = true;
        while (more) {
          ASSIGN_OR_RETURN(const db::Result gathered, database.Execute(until, kGather, {names}));
          if (gathered.front().IsNull(0)) {  // another instance is at it: ask again
            seen = before;
            return absl::OkStatus();
          }
          more = gathered.front().Bool(0);
        }
        seen = database.statements_executed();
        return absl::OkStatus();
      });
  statements_ = std::move(statements);
  if (!status.ok()) rest_until_ = SteadyNow() + kRest;
  return status;
}

}  // namespace gatehouse::host
