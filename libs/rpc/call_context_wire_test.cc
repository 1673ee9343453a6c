// Which parts of a call's context arrive, in this process and between two, and how a fault is
// logged.

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "gatehouse/common/v1/readiness_service.rpc.h"
#include "libs/base/status.h"
#include "libs/base/steady_time.h"
#include "libs/rpc/grpc_channel.h"
#include "libs/rpc/grpc_server.h"
#include "libs/rpc/secret_authority.h"
#include "libs/telemetry/log.h"

namespace gatehouse::rpc {
namespace {

using common::v1::CheckReadinessRequest;
using common::v1::CheckReadinessResponse;
using common::v1::ReadinessService;
using common::v1::ReadinessServiceClient;
using common::v1::ReadinessServiceHandler;

constexpr char kTrace[] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

// Records the context it is called with, and gives a preset answer, or that of `next`.
class Station final : public ReadinessService {
 public:
  absl::StatusOr<CheckReadinessResponse> CheckReadiness(
      CallContext& context, const CheckReadinessRequest& request) override {
    seen = context;
    if (next) return ReadinessServiceClient(*next).CheckReadiness(context, request);
    if (!answer.ok()) return answer;
    return CheckReadinessResponse();
  }

  CallContext seen;
  absl::Status answer;
  std::unique_ptr<Channel> next;
};

struct Served {
  explicit Served(std::vector<std::string_view> callers)
      : dispatcher(*Dispatcher::Create(handler, {{"CheckReadiness", std::move(callers)}})) {}
  Station station;
  ReadinessServiceHandler handler{station};
  std::unique_ptr<Dispatcher> dispatcher;
};

CallContext Whole() {
  return {.caller = "gateway",
          .request_id = "id-1",
          .deadline = SteadyNow() + absl::Seconds(10),
          .client_address = "2001:db8::1",
          .traceparent = kTrace};
}

absl::Status Ask(Channel& channel, CallContext context) {
  return ReadinessServiceClient(channel).CheckReadiness(context, {}).status();
}

void ExpectWhole(const CallContext& seen, const char* caller) {
  EXPECT_EQ(seen.caller, caller);
  EXPECT_EQ(seen.request_id, "id-1");
  EXPECT_EQ(seen.client_address, "2001:db8::1");
  EXPECT_EQ(seen.traceparent, kTrace);
  EXPECT_LE(seen.deadline, SteadyNow() + absl::Seconds(10));
}

class CallContextWire : public testing::Test {
 protected:
  void Serve(const TransportSecurity& security, const std::string& address) {
    server_ = *GrpcServer::Start({address}, security, {{far_.dispatcher.get(), &workers_}});
  }
  std::string path() const {
    return "unix:" + std::filesystem::temp_directory_path().string() + "/gatehouse-wire-" +
           std::to_string(getpid()) + ".sock";
  }
  std::unique_ptr<Channel> Local(Served& served, const std::string& caller) {
    Dispatcher* const dispatcher = served.dispatcher.get();
    return MakeLocalChannel({&dispatcher, 1}, caller);
  }

  Served near_{{"gateway"}};
  Served far_{{"session", "client"}};
  WorkerPool workers_{"wire", 1, 16};
  std::unique_ptr<GrpcServer> server_;
};

TEST_F(CallContextWire, ArrivesWholeInThisProcess) {
  ASSERT_TRUE(Ask(*Local(near_, "gateway"), Whole()).ok());
  ExpectWhole(near_.station.seen, "gateway");
}

TEST_F(CallContextWire, ArrivesWholeAcrossProcessesAndHops) {
  Serve({}, path());
  near_.station.next = *MakeGrpcChannel(path(), "tenants", "session", {});
  ASSERT_TRUE(Ask(*Local(near_, "gateway"), Whole()).ok());
  ExpectWhole(far_.station.seen, "session");
}

TEST_F(CallContextWire, WhatIsNotHarmlessIsLeftOut) {
  Serve({}, path());
  const auto channel = *MakeGrpcChannel(path(), "tenants", "session", {});
  CallContext context = Whole();
  context.request_id = std::string(65, 'x');
  context.client_address = "10.0.0.1 or so";
  context.traceparent = "00-1-2-3";
  ASSERT_TRUE(Ask(*channel, context).ok());
  EXPECT_EQ(far_.station.seen.request_id, "");
  EXPECT_EQ(far_.station.seen.client_address, "");
  EXPECT_EQ(far_.station.seen.traceparent, "");
}

TEST_F(CallContextWire, AnApplicationDoesNotChooseItsAddress) {
  const std::string secret = "between ourselves, and nobody else";
  Serve(*SecurityFromSecret(secret, {"tenants"}), "127.0.0.1:0");
  const auto channel = *MakeGrpcChannel("127.0.0.1:" + std::to_string(server_->port()), "tenants",
                                        "client", *SecurityFromSecret(secret, {"client"}));
  ASSERT_TRUE(Ask(*channel, Whole()).ok());
  EXPECT_EQ(far_.station.seen.client_address, "127.0.0.1");
  EXPECT_EQ(far_.station.seen.request_id, "id-1");
}

class FaultLog : public CallContextWire {
 protected:
  FaultLog() {
    file_ = std::tmpfile();
    telemetry::ConfigureLog({.process = "test", .file_descriptor = fileno(file_)});
  }
  ~FaultLog() override {
    telemetry::ConfigureLog({});
    std::fclose(file_);
  }
  std::vector<std::string> Lines() {
    std::rewind(file_);
    std::vector<std::string> lines;
    char line[4096];
    while (std::fgets(line, sizeof(line), file_) != nullptr) lines.emplace_back(line);
    return lines;
  }

  std::FILE* file_;
};

TEST_F(FaultLog, AFaultIsLoggedOnceWhereItHappenedWithItsRequest) {
  Serve({}, path());
  far_.station.answer = absl::InternalError("the cause of it");
  near_.station.next = *MakeGrpcChannel(path(), "tenants", "session", {});
  const absl::Status status = Ask(*Local(near_, "gateway"), Whole());
  EXPECT_EQ(ReasonOf(status), ErrorReason::kInternal);
  const std::vector<std::string> lines = Lines();
  ASSERT_EQ(lines.size(), 1u);
  for (const char* part :
       {R"("event":"call_failed")", R"("cause":"the cause of it")", R"("request_id":"id-1")",
        R"("trace_id":"0af7651916cd43dd8448eb211c80319c")",
        R"("where":"/gatehouse.common.v1.ReadinessService/CheckReadiness")"}) {
    EXPECT_NE(lines[0].find(part), std::string::npos) << part << " in " << lines[0];
  }
}

TEST_F(FaultLog, WhatAStoreHasLoggedIsNotLoggedAgain) {
  absl::Status logged = absl::InternalError("of the database");
  MarkLogged(logged);
  near_.station.answer = logged;
  EXPECT_FALSE(Ask(*Local(near_, "gateway"), Whole()).ok());
  EXPECT_TRUE(Lines().empty());
}

TEST_F(FaultLog, ACallThatDoesNotArriveIsLoggedByWhoMadeIt) {
  near_.station.next = *MakeGrpcChannel(path() + ".nobody", "tenants", "session", {});
  EXPECT_EQ(ReasonOf(Ask(*Local(near_, "gateway"), Whole())), ErrorReason::kDependencyDown);
  const std::vector<std::string> lines = Lines();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_NE(lines[0].find(R"("event":"call_lost")"), std::string::npos) << lines[0];
  EXPECT_NE(lines[0].find(R"("request_id":"id-1")"), std::string::npos) << lines[0];
}

TEST_F(FaultLog, AnOutcomeIsNone) {
  near_.station.answer = BadInput("no");
  EXPECT_FALSE(Ask(*Local(near_, "gateway"), Whole()).ok());
  EXPECT_TRUE(Lines().empty());
}

}  // namespace
}  // namespace gatehouse::rpc
