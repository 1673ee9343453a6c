#pragma once

#include "gateway/api/route_table.h"

namespace gatehouse {
class Clock;
namespace rpc {
class Channel;
}
namespace tenancy {
class TenantDirectory;
}
}  // namespace gatehouse

namespace gatehouse::gateway {

class ConcurrencyCap;
class ReplyTotals;
class RequestStats;

// What the routes below need; everything outlives the table.
struct CoreRouteParts {
  rpc::Channel& tenants;
  rpc::Channel& users;
  const tenancy::TenantDirectory& directory;
  const RequestStats& stats;
  const ReplyTotals& totals;
  const ConcurrencyCap& cap;
  const Clock& clock;
  // Of the configuration file in use; empty: there is none.
  std::string config_path;
};

// Operations on the installation itself: hello, versions, configuration, telemetry, statistics,
// licence and migration mode.
void AddCoreRoutes(RouteTable& routes, const CoreRouteParts& parts);

// Those of them that answer like the licensed original with every feature on.
void AddLicenceRoutes(RouteTable& routes, const CoreRouteParts& parts);

}  // namespace gatehouse::gateway
