#include "libs/host/readiness.h"

#include <future>
#include <utility>
#include <vector>

#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/db/database.h"

namespace gatehouse::host {
namespace {

// "on" on a stand-by, and with default_transaction_read_only.
constexpr db::Statement kReadOnly = {"host_read_only",
                                     "SELECT current_setting('transaction_read_only')"};

}  // namespace

absl::Status CheckWritable(db::Database& database, absl::Time deadline) {
  ASSIGN_OR_RETURN(const db::Result result, database.Execute(deadline, kReadOnly));
  if (result.front().Text(0) == "off") return absl::OkStatus();
  return MakeError(ErrorReason::kDependencyDown, "The database takes no writes");
}

absl::Status CheckServices(const std::map<std::string, rpc::Channel*>& services,
                           absl::Time deadline) {
  std::vector<std::future<absl::Status>> answers;
  for (const auto& [name, channel] : services) {
    answers.push_back(std::async(std::launch::async, [name = name, channel = channel, deadline] {
      rpc::CallContext context;
      context.deadline = deadline;
      const absl::Status status =
          common::v1::ReadinessServiceClient(*channel).CheckReadiness(context, {}).status();
      if (status.ok()) return status;
      return MakeError(ErrorReason::kDependencyDown,
                       StrCat("the service ", name, ": ", std::string(status.message())));
    }));
  }
  absl::Status first;
  for (std::future<absl::Status>& answer : answers) first.Update(answer.get());
  return first;
}

absl::StatusOr<common::v1::CheckReadinessResponse> ReadinessServiceImpl::CheckReadiness(
    rpc::CallContext& context, const common::v1::CheckReadinessRequest&) {
  RETURN_IF_ERROR(ready_(context.deadline));
  return common::v1::CheckReadinessResponse();
}

rpc::Policy ReadinessPolicy() { return {{"CheckReadiness", {rpc::callers::kGateway}}}; }

}  // namespace gatehouse::host
