#pragma once

#include <optional>

#include "gatehouse/tenants/v1/tenant_directory.pb.h"

namespace gatehouse::tenancy {

// Assembles the messages of a WatchTenants stream, so that a change of many tenants is applied as
// one: half a snapshot would make the tenants in the other half unknown. For one thread.
class ChangeAssembler {
 public:
  // The whole change if `message` is its last, with the version of that message.
  std::optional<gatehouse::tenants::v1::WatchTenantsResponse> Add(
      const gatehouse::tenants::v1::WatchTenantsResponse& message);

 private:
  std::optional<gatehouse::tenants::v1::WatchTenantsResponse> begun_;
};

}  // namespace gatehouse::tenancy
