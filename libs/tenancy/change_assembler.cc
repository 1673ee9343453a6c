#include "libs/tenancy/change_assembler.h"

#include <utility>

namespace gatehouse::tenancy {

std::optional<gatehouse::tenants::v1::WatchTenantsResponse> ChangeAssembler::Add(
    const gatehouse::tenants::v1::WatchTenantsResponse& message) {
  // The next stream's snapshot contains what a broken one left incomplete.
  if (message.full() || !begun_.has_value()) {
    begun_ = message;
  } else {
    begun_->MergeFrom(message);
  }
  if (message.more_follows()) return std::nullopt;
  begun_->clear_more_follows();
  return std::exchange(begun_, std::nullopt);
}

}  // namespace gatehouse::tenancy
