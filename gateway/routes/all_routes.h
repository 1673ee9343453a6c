#pragma once

#include "gateway/api/route_table.h"

namespace gatehouse::host {
class Host;
}

namespace gatehouse::gateway {

class ConcurrencyCap;
class ReplyTotals;
class RequestStats;

// The gateway's counters of requests. All outlive the table.
struct GatewayCounts {
  const RequestStats& stats;
  const ReplyTotals& totals;
  const ConcurrencyCap& cap;
};

// Fills the table: every recipe's operations, each calling its service as the gateway.
void AddAllRoutes(RouteTable& routes, host::Host& host, const GatewayCounts& counts);

}  // namespace gatehouse::gateway
