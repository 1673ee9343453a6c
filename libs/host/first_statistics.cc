#include "libs/host/first_statistics.h"

#include <algorithm>

#include "libs/base/status.h"
#include "libs/base/steady_time.h"
#include "libs/db/database.h"

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
  std::map<const db::Database*, Look> looks;  // without pools that are gone
  absl::Status result;
  for (const std::shared_ptr<db::Database>& pool : pools_()) {
    Look& look = looks[pool.get()];
    if (const auto last = looks_.find(pool.get()); last != looks_.end()) look = last->second;
    const int64_t now = pool->statements_executed();
    // Fewer than before: another pool at that address.
    if (now >= look.statements && now - look.statements < kWorthALook) continue;
    if (SteadyNow() < look.rest_until || SteadyNow() >= deadline) continue;
    absl::Status status = LookAt(*pool, deadline, look);
    if (!status.ok()) look = {.statements = now, .rest_until = SteadyNow() + kRest};
    result.Update(std::move(status));
  }
  looks_ = std::move(looks);
  return result;
}

absl::Status FirstStatistics::LookAt(db::Database& database, absl::Time deadline, Look& look) {
  db::TextArray names;
  for (const std::string_view table : tables_) {
    names.values.push_back(database.tables().Bare(table));
  }
  for (bool more = true; more;) {
    const absl::Time until = std::min(deadline, SteadyNow() + kPatience);
    ASSIGN_OR_RETURN(const db::Result gathered, database.Execute(until, kGather, {names}));
    // Another instance is at it: look again next time.
    if (gathered.front().IsNull(0)) return absl::OkStatus();
    more = gathered.front().Bool(0);
  }
  look.statements = database.statements_executed();
  return absl::OkStatus();
}

}  // namespace gatehouse::host
