#include "libs/testing/policy_check.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <string>

#include "google/protobuf/message.h"
#include "libs/base/service_table.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"
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
  if (method.streaming) {
    return dispatcher.DispatchStream(method, context, *request, nullptr);
  }
  const std::unique_ptr<Message> response(method.response_prototype()->New());
  return dispatcher.Dispatch(method, context, *request, response.get());
}

// "roles" of "gatehouse.roles.v1.RolesService".
std::string FolderOf(const rpc::ServiceInfo& service) {
  const std::string name(service.full_name);
  const size_t begin = name.find('.') + 1;
  return name.substr(begin, name.find('.', begin) - begin);
}

std::set<std::string> EveryProcess() {
  std::set<std::string> all = {std::string(rpc::callers::kGateway)};
  for (const ServiceRow& row : ServiceTable()) {
    if (!row.planned) all.emplace(row.name);
  }
  return all;
}

std::set<std::string> EveryCaller() {
  std::set<std::string> all = EveryProcess();
  all.insert({"", "stranger", std::string(rpc::callers::kClient)});
  return all;
}

// The callers of a line of policies.golden.
struct GoldenRow {
  std::set<std::string> callers;
  bool never_blocks = false;
};

std::string LineOf(const rpc::ServiceInfo& service, const rpc::PolicyRow& row) {
  std::set<std::string> callers(row.callers.begin(), row.callers.end());
  std::string line = StrCat(service.full_name, "/", row.method, ":");
  if (callers == EveryProcess()) callers = {"every-process"};
  for (const std::string& caller : callers) line += " " + caller;
  return row.never_blocks ? line + " [never blocks]" : line;
}

// The lines of the service in its folder's policies.golden, by method.
std::map<std::string, GoldenRow> ReadGolden(const std::string& path,
                                            const rpc::ServiceInfo& service, std::string& text) {
  std::map<std::string, GoldenRow> rows;
  std::ifstream file(path);
  const std::string prefix = StrCat(service.full_name, "/");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(prefix)) continue;
    text += line + "\n";
    const size_t colon = line.find(':');
    GoldenRow& row = rows[line.substr(prefix.size(), colon - prefix.size())];
    std::istringstream words(line.substr(colon + 1));
    for (std::string word; words >> word;) {
      if (word == "[never") {
        row.never_blocks = true;
        break;
      }
      if (word == "every-process") {
        row.callers = EveryProcess();
      } else {
        row.callers.insert(word);
      }
    }
  }
  return rows;
}

// Whether `caller` calls the service according to the table of services.
bool IsDeclared(const std::string& caller, const std::string& callee) {
  if (caller == rpc::callers::kGateway || caller == rpc::callers::kClient) return true;
  for (const ServiceRow& row : ServiceTable()) {
    if (row.name != caller) continue;
    return !row.planned && std::find(row.calls.begin(), row.calls.end(), callee) != row.calls.end();
  }
  return false;
}

}  // namespace

void ExpectPolicyIsEnforced(const rpc::ServiceInfo& service, const rpc::Policy& policy,
                            const std::string& offered_by) {
  const std::string folder = offered_by.empty() ? FolderOf(service) : offered_by;
  const std::string path = StrCat(GATEHOUSE_SOURCE_DIR "/services/", folder, "/policies.golden");
  std::string golden_text;
  std::string text;
  const std::map<std::string, GoldenRow> golden = ReadGolden(path, service, golden_text);
  for (const rpc::PolicyRow& row : policy) text += LineOf(service, row) + "\n";
  EXPECT_EQ(text, golden_text) << "what callers may do has changed: " << path << " must say so";

  Probe probe(service);
  auto dispatcher = rpc::Dispatcher::Create(probe, policy);
  ASSERT_TRUE(dispatcher.ok()) << dispatcher.status().message();
  for (const rpc::MethodInfo& method : service.methods) {
    SCOPED_TRACE(std::string(method.name));
    const auto row = golden.find(std::string(method.name));
    if (row == golden.end()) {
      ADD_FAILURE() << "nobody may call this method: " << path << " has no line for it";
      continue;
    }
    EXPECT_EQ((*dispatcher)->NeverBlocks(method), row->second.never_blocks);
    const bool of_every_process = row->second.callers == EveryProcess();
    for (const std::string& caller : row->second.callers) {
      EXPECT_TRUE(of_every_process || IsDeclared(caller, folder))
          << "services.json does not say that " << caller << " calls " << folder;
    }
    for (const std::string& caller : EveryCaller()) {
      const bool allowed = row->second.callers.contains(caller);
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
