#pragma once

#include <functional>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gatehouse/common/v1/readiness_service.rpc.h"
#include "libs/rpc/policy.h"
#include "libs/rpc/service.h"

namespace gatehouse::db {
class Database;
}

namespace gatehouse::host {

// OK when the database answers and accepts writes: with a stand-by or a read-only server, next to
// nothing can be served.
absl::Status CheckWritable(db::Database& database, absl::Time deadline);

// Asks all of these services at once whether they are ready, by name. The first error, with the
// service's name.
absl::Status CheckServices(const std::map<std::string, rpc::Channel*>& services,
                           absl::Time deadline);

// The service by which a process reports to others whether it can serve.
class ReadinessServiceImpl final : public common::v1::ReadinessService {
 public:
  explicit ReadinessServiceImpl(std::function<absl::Status(absl::Time deadline)> ready)
      : ready_(std::move(ready)) {}
  absl::StatusOr<common::v1::CheckReadinessResponse> CheckReadiness(
      rpc::CallContext& context, const common::v1::CheckReadinessRequest& request) override;

 private:
  const std::function<absl::Status(absl::Time deadline)> ready_;
};

rpc::Policy ReadinessPolicy();

}  // namespace gatehouse::host
