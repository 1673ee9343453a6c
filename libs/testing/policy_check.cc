#include "libs/testing/policy_check.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <set>
#include <string>

#include "google/protobuf/message.h"
#include "libs/base/service_table.h"
#include "libs/base/status.h"
#include "libs/rpc/dispatcher.h"

namespace gatehouse::testing {
namespace {

using google::protobuf::Message;

// Stands in for the service, and records whether a call got through.
class Probe final : public rpc::ServiceHandler {
 public:
  explicit Probe(const rpc::ServiceInfo& service) : service_(service) {}

  const rpc::ServiceInfo& info() const override { return service_; }
  absl::Status Invoke(int, rpc::CallContext&, const Message&, Message*) override {
    reached = true;
    return absl::OkStatus();
  }
  absl::Status Subscribe(int, rpc::CallContext&, const Message&,
                         std::shared_ptr<rpc::StreamSink>) override {
    reached = true;
    return absl::OkStatus();
  }

  bool reached = false;

 private:
  const rpc::ServiceInfo& service_;
};

absl::Status Call(rpc::Dispatcher& dispatcher, const rpc::MethodInfo& method,
                  const std::string& caller) {
  rpc::CallContext context;
  context.caller = caller;
  const std::unique_ptr<Message> request(method.request_prototype()->New());
  if (method.server_streaming) {
    return dispatcher.DispatchStream(method, context, *request, nullptr);
  }
  const std::unique_ptr<Message> response(method.response_prototype()->New());
  return dispatcher.Dispatch(method, context, *request, response.get());
}

std::set<std::string> EveryCaller(const rpc::Policy& policy) {
  namespace callers = rpc::callers;
  std::set<std::string> all = {"", "stranger"};
  all.emplace(callers::kGateway);
  all.emplace(callers::kClient);
  for (const ServiceRow& service : ServiceTable()) all.emplace(service.name);
  for (const rpc::PolicyRow& row : policy) all.insert(row.callers.begin(), row.callers.end());
  return all;
}

}  // namespace

void ExpectPolicyIsEnforced(const rpc::ServiceInfo& service, const rpc::Policy& policy) {
  Probe probe(service);
  auto dispatcher = rpc::Dispatcher::Create(probe, policy);
  ASSERT_TRUE(dispatcher.ok()) << dispatcher.status().message();
  const std::set<std::string> callers = EveryCaller(policy);
  for (const rpc::MethodInfo& method : service.methods) {
    SCOPED_TRACE(std::string(method.name));
    const auto row = std::find_if(policy.begin(), policy.end(), [&](const rpc::PolicyRow& row) {
      return row.method == method.name;
    });
    if (row == policy.end()) {
      ADD_FAILURE() << "nobody may call this method: it has no policy row";
      continue;
    }
    for (const std::string& caller : callers) {
      const bool allowed =
          std::find(row->callers.begin(), row->callers.end(), caller) != row->callers.end();
      probe.reached = false;
      const absl::Status status = Call(**dispatcher, method, caller);
      EXPECT_EQ(probe.reached, allowed) << "caller: " << caller;
      EXPECT_EQ(ReasonOf(status),
                allowed ? ErrorReason::kUnspecified : ErrorReason::kCallerNotAllowed)
          << "caller: " << caller;
    }
  }
}

}  // namespace gatehouse::testing
