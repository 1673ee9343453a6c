#pragma once

#include <optional>

#include "gatehouse/tenants/v1/tenant_directory.pb.h"

namespace gatehouse::tenancy {

// Puts the messages of a WatchTenants stream together, so that a change of many tenants is applied
// as one: half a snapshot would make the tenants in the other half unknown. One thread.
class ChangeAssembler {
 public:
  // The whole change when `message` is its last, with that one's version.
  std::optional<gatehouse::tenants::v1::WatchTenantsResponse> Add(
      const gatehouse::tenants::v1::WatchTenantsResponse& message);

 private:
  std::optional<gatehouse::tenants::v1::WatchTenantsResponse> begun_;
};

}  // namespace gatehouse::tenancy
