// Calls between processes, over real sockets: reasons survive, secrets and policy are checked,
// deadlines and full pools answer, streams restart.

#include <grpcpp/create_channel.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <latch>
#include <mutex>
#include <thread>
#include <vector>

#include "libs/rpc/grpc_status.h"
#include "libs/rpc/grpc_test_util.h"
#include "libs/rpc/grpc_time.h"

namespace gatehouse::rpc {
namespace {

class GrpcTest : public testing::Test {
 protected:
  void SetUp() override {
    handler_ = std::make_unique<TenantDirectoryServiceHandler>(fake_);
    dispatcher_ = *Dispatcher::Create(
        *handler_, {{"GetDirectoryEntries", {"session"}}, {"WatchTenants", {"session"}}});
    path_ = "unix:" + std::filesystem::temp_directory_path().string() + "/gatehouse-rpc-" +
            std::to_string(getpid()) + ".sock";
  }
  void TearDown() override {
    fake_.Release();
    server_.reset();
  }

  void Serve(const std::string& address, const TransportSecurity& security, size_t queue = 64) {
    server_.reset();
    workers_ = std::make_unique<WorkerPool>("rpc", 1, queue);
    auto server = GrpcServer::Start({address}, security, {{dispatcher_.get(), workers_.get()}});
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  FakeDirectory fake_;
  std::unique_ptr<TenantDirectoryServiceHandler> handler_;
  std::unique_ptr<Dispatcher> dispatcher_;
  std::unique_ptr<WorkerPool> workers_;
  std::unique_ptr<GrpcServer> server_;
  std::string path_;
};

TEST_F(GrpcTest, CarriesCallerAndRequestId) {
  Serve(path_, {});
  auto channel = Dial(path_, "session", {});
  auto reply = Ask(*channel, "x");
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(reply->tenants(0).scope().app_id(), "session id-1");
}

TEST_F(GrpcTest, ReasonsSurviveAndCausesStay) {
  Serve(path_, {});
  auto channel = Dial(path_, "session", {});
  const absl::Status bad = Ask(*channel, "bad").status();
  EXPECT_EQ(ReasonOf(bad), ErrorReason::kBadInput);
  EXPECT_EQ(bad.message(), "no such thing");
  EXPECT_EQ(ProblemOf(bad), Problem::kUnspecified);
  const absl::Status too_long = Ask(*channel, "long").status();
  EXPECT_EQ(ReasonOf(too_long), ErrorReason::kBadInput);
  EXPECT_EQ(ProblemOf(too_long), Problem::kTooLong);
  EXPECT_EQ(MetadataOf(too_long), (ProblemMetadata{{"field", "appId"}, {"max_bytes", "64"}}));
  for (const char* app : {"bug", "throws"}) {
    const absl::Status bug = Ask(*channel, app).status();
    EXPECT_EQ(ReasonOf(bug), ErrorReason::kInternal);
    EXPECT_EQ(bug.message(), "internal error");
  }
}

TEST_F(GrpcTest, RefusesCallersWithoutAPolicyRow) {
  Serve(path_, {});
  auto channel = Dial(path_, "roles", {});
  EXPECT_EQ(ReasonOf(Ask(*channel, "x").status()), ErrorReason::kCallerNotAllowed);
}

TEST_F(GrpcTest, TcpNeedsTheSharedSecret) {
  EXPECT_FALSE(GrpcServer::Start({"127.0.0.1:0"}, {}, {}).ok());
  EXPECT_FALSE(MakeGrpcChannel("127.0.0.1:1", "tenants", "session", {}).ok());
  Serve("127.0.0.1:0", Holder("tenants"));
  const std::string address = "127.0.0.1:" + std::to_string(server_->port());
  auto reply = Ask(*Dial(address, "session", Holder("session")), "x");
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(reply->tenants(0).scope().app_id(), "session id-1");
  const auto stranger = Holder("session", "between ourselves, and nobody else?");
  EXPECT_EQ(ReasonOf(Ask(*Dial(address, "session", stranger), "x").status()),
            ErrorReason::kDependencyDown);
}

TEST_F(GrpcTest, ACallersNameIsItsCertificates) {
  Serve("127.0.0.1:0", Holder("tenants"));
  const std::string address = "127.0.0.1:" + std::to_string(server_->port());
  // It claims to be "session", but has the client's certificate.
  EXPECT_EQ(ReasonOf(Ask(*Dial(address, "session", Holder("client")), "x").status()),
            ErrorReason::kCallerNotAllowed);
}

TEST_F(GrpcTest, AnotherServicesCertificateDoesNotAnswerForThisOne) {
  // The impostor would answer: only its name is wrong.
  Serve("127.0.0.1:0", Holder("roles"));
  const std::string address = "127.0.0.1:" + std::to_string(server_->port());
  EXPECT_EQ(ReasonOf(Ask(*Dial(address, "session", Holder("session")), "x").status()),
            ErrorReason::kDependencyDown);
  // One process may run several services.
  auto both = SecurityFromSecret(kSecret, {"roles", "tenants"});
  ASSERT_TRUE(both.ok());
  Serve("127.0.0.1:0", *both);
  EXPECT_TRUE(Ask(*Dial("127.0.0.1:" + std::to_string(server_->port()), "session",
                        Holder("session")), "x").ok());
}

// Listens without certificates at a service's address and records everything that it receives.
class Eavesdropper final : public grpc::CallbackGenericService {
 public:
  Eavesdropper() {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterCallbackGenericService(this);
    server_ = builder.BuildAndStart();
  }
  ~Eavesdropper() override { server_->Shutdown(); }

  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext*) override {
    ++calls_;
    struct Refusal final : grpc::ServerGenericBidiReactor {
      Refusal() { Finish(grpc::Status(grpc::StatusCode::UNIMPLEMENTED, "")); }
      void OnDone() override { delete this; }
    };
    return new Refusal;
  }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  int calls() const { return calls_; }

 private:
  int port_ = 0;
  std::atomic<int> calls_{0};
  std::unique_ptr<grpc::Server> server_;
};

TEST_F(GrpcTest, AListenerWithoutTheSecretLearnsNothing) {
  Eavesdropper eavesdropper;
  EXPECT_EQ(ReasonOf(Ask(*Dial(eavesdropper.address(), "session", Holder("session")), "x").status()),
            ErrorReason::kDependencyDown);
  EXPECT_EQ(eavesdropper.calls(), 0);
}

TEST_F(GrpcTest, LargerRequestsThanAgreedAreRefused) {
  TransportSecurity small;
  small.max_request_bytes = 1 << 20;
  Serve(path_, small);
  auto channel = Dial(path_, "session", {});
  EXPECT_TRUE(Ask(*channel, std::string(900 << 10, 'x')).ok());
  EXPECT_EQ(ReasonOf(Ask(*channel, std::string(1100 << 10, 'x')).status()),
            ErrorReason::kOverloaded);
  EXPECT_TRUE(Ask(*channel, "x").ok());
}

// A peer without a certificate does not learn which services exist.
TEST_F(GrpcTest, ReflectionAndHealthNeedACertificateToo) {
  Serve("127.0.0.1:0", Holder("tenants"));
  const std::string address = "127.0.0.1:" + std::to_string(server_->port());
  grpc::SslCredentialsOptions anonymous;
  anonymous.pem_root_certs = Holder("session").ca_pem;
  grpc::ChannelArguments arguments;
  arguments.SetSslTargetNameOverride("tenants");
  for (const auto& credentials :
       {grpc::InsecureChannelCredentials(), grpc::SslCredentials(anonymous)}) {
    auto channel = grpc::CreateCustomChannel(address, credentials, arguments);
    for (const char* path : {"/grpc.health.v1.Health/Check",
                             "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"}) {
      grpc::ClientContext context;
      context.set_deadline(ToGrpcDeadline(SteadyNow() + absl::Seconds(5)));
      grpc::CompletionQueue queue;
      auto call = grpc::GenericStub(channel).PrepareUnaryCall(&context, path, {}, &queue);
      grpc::ByteBuffer reply;
      grpc::Status status;
      void* tag = nullptr;
      bool ok = false;
      call->StartCall();
      call->Finish(&reply, &status, nullptr);
      queue.Next(&tag, &ok);
      EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE) << status.error_message();
    }
  }
}

TEST_F(GrpcTest, AConnectionThatShowsNoCertificateLivesSeconds) {
  Serve("127.0.0.1:0", Holder("tenants"));
  const int stranger = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(server_->port()));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(connect(stranger, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  pollfd closed = {.fd = stranger, .events = POLLRDHUP};
  EXPECT_EQ(poll(&closed, 1, 30'000), 1);
  close(stranger);
}

TEST_F(GrpcTest, DeadlinesEndAWait) {
  Serve(path_, {});
  auto channel = Dial(path_, "session", {});
  EXPECT_EQ(ReasonOf(Ask(*channel, "blocks", absl::Milliseconds(200)).status()),
            ErrorReason::kDeadlineExceeded);
}

TEST_F(GrpcTest, AFullPoolRefusesAtOnce) {
  Serve(path_, {}, 1);
  auto channel = Dial(path_, "session", {});
  std::jthread running([&] { (void)Ask(*channel, "blocks"); });
  fake_.WaitForBlocked(1);
  // One waits in the queue; of the next two at least one finds it full.
  std::atomic<int> refused = 0;
  {
    std::vector<std::jthread> more;
    for (int i = 0; i < 3; ++i) {
      more.emplace_back([&] {
        const absl::Status status = Ask(*channel, "x", absl::Seconds(1)).status();
        if (ReasonOf(status) == ErrorReason::kOverloaded) ++refused;
      });
    }
  }
  EXPECT_EQ(refused, 2);
  fake_.Release();
}

TEST_F(GrpcTest, AnAbsentPeerIsSaidAtOnceAndFoundAgain) {
  auto channel = Dial(path_, "session", {});
  EXPECT_EQ(ReasonOf(Ask(*channel, "x").status()), ErrorReason::kDependencyDown);
  Serve(path_, {});
  const absl::Time give_up = SteadyNow() + absl::Seconds(2);
  while (!Ask(*channel, "x").ok()) ASSERT_LT(SteadyNow(), give_up);
}

TEST_F(GrpcTest, StreamsStartAnewAfterABreak) {
  Serve(path_, {});
  auto channel = Dial(path_, "session", {});
  std::mutex mutex;
  std::condition_variable changed;
  int full = 0;
  std::string config;
  auto subscription = TenantDirectoryServiceClient(*channel).SubscribeWatchTenants(
      CallContext{}, {}, [&](const WatchTenantsResponse& message, const auto&) {
        std::lock_guard lock(mutex);
        if (message.full()) ++full;
        if (!message.base_config_json().empty()) config = message.base_config_json();
        changed.notify_all();
      });
  const auto wait = [&](auto condition) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::seconds(10), condition);
  };
  ASSERT_TRUE(wait([&] { return full == 1; }));
  while (config.empty()) {
    fake_.Publish("{}");
    wait([&] { return !config.empty(); });
  }
  Serve(path_, {});
  EXPECT_TRUE(wait([&] { return full == 2; }));
}

TEST_F(GrpcTest, ADrainEndsStreamsAtOnce) {
  Serve(path_, {});
  auto channel = Dial(path_, "session", {});
  const Watch watch(*channel);
  const absl::Time begun = SteadyNow();
  server_->Drain(begun + absl::Seconds(20));
  // It waited for the whole time once, since nothing ended the stream.
  EXPECT_LT(SteadyNow() - begun, absl::Seconds(10));
}

TEST_F(GrpcTest, AnswersGoOverTheStreamThatTheyBelongTo) {
  Serve(path_, {});
  auto channel = Dial(path_, "session", {});
  auto subscription = TenantDirectoryServiceClient(*channel).SubscribeWatchTenants(
      CallContext{}, {}, [](const WatchTenantsResponse& message, const auto& answer) {
        WatchTenantsRequest applied;
        applied.set_applied_version(message.full() ? 1 : 2);
        answer(applied);
      });
  EXPECT_EQ(fake_.WaitForApplied(1), std::vector<int64_t>{1});
  fake_.Publish("{}");
  EXPECT_EQ(fake_.WaitForApplied(2), (std::vector<int64_t>{1, 2}));
}

TEST_F(GrpcTest, AStreamThatItsServiceDropsStartsAnew) {
  Serve(path_, {});
  auto channel = Dial(path_, "session", {});
  const Watch watch(*channel);
  ASSERT_TRUE(fake_.WaitForStreams(1));
  fake_.DropStreams();
  EXPECT_TRUE(fake_.WaitForStreams(1));
}

// Writes are stuck when the calls are cancelled: the two ends of a stream come in any order, and a
// stream that missed its end would hold up the server's stop for ever.
TEST_F(GrpcTest, StreamsThatAreCancelledWhileTheyAreWrittenToEnd) {
  Serve(path_, {});
  constexpr int kStreams = 20;
  struct Reader {
    grpc::ClientContext context;
    std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call;
    grpc::Status status;
  };
  auto channel = grpc::CreateChannel(path_, grpc::InsecureChannelCredentials());
  grpc::GenericStub stub(channel);
  grpc::CompletionQueue queue;
  const auto next = [&queue] {
    void* tag = nullptr;
    bool ok = false;
    ASSERT_TRUE(queue.Next(&tag, &ok));
  };
  std::vector<std::unique_ptr<Reader>> readers;
  for (int i = 0; i < kStreams; ++i) {
    Reader& reader = *readers.emplace_back(std::make_unique<Reader>());
    reader.context.AddMetadata(kCallerKey, "session");
    reader.call = stub.PrepareCall(
        &reader.context, "/gatehouse.tenants.v1.TenantDirectoryService/WatchTenants", &queue);
    reader.call->StartCall(nullptr);
    next();
    const grpc::Slice empty("");
    reader.call->Write(grpc::ByteBuffer(&empty, 1), nullptr);
    next();
  }
  ASSERT_TRUE(fake_.WaitForStreams(kStreams));
  fake_.Publish(std::string(8 << 20, 'x'));  // more than a connection takes unread
  for (const auto& reader : readers) {
    reader->context.TryCancel();
    reader->call->Finish(&reader->status, nullptr);
    next();
  }
  std::atomic<bool> drained = false;
  std::jthread drain([&] {
    server_->Drain(SteadyNow() + absl::Seconds(1));
    drained = true;
  });
  const absl::Time end = SteadyNow() + absl::Seconds(20);
  while (!drained && SteadyNow() < end) std::this_thread::yield();
  // What waits can't be ended, and would hide the failure behind the test's time limit.
  if (!drained) {
    ADD_FAILURE() << "a stream never ends";
    std::quick_exit(1);
  }
}

// It would use memory of the service for as long as it sends nothing.
TEST_F(GrpcTest, AStreamThatMayNotBeIsRefusedBeforeItSpeaks) {
  Serve(path_, {});
  auto channel = grpc::CreateChannel(path_, grpc::InsecureChannelCredentials());
  grpc::ClientContext context;
  context.AddMetadata(kCallerKey, "client");
  context.set_deadline(ToGrpcDeadline(SteadyNow() + absl::Seconds(5)));
  grpc::CompletionQueue queue;
  const auto next = [&queue] {
    void* tag = nullptr;
    bool ok = false;
    queue.Next(&tag, &ok);
  };
  auto call = grpc::GenericStub(channel).PrepareCall(
      &context, "/gatehouse.tenants.v1.TenantDirectoryService/WatchTenants", &queue);
  call->StartCall(nullptr);
  next();
  grpc::Status status;
  call->Finish(&status, nullptr);
  next();
  EXPECT_EQ(ReasonOf(FromGrpcStatus(status)), ErrorReason::kCallerNotAllowed)
      << status.error_message();
}

TEST_F(GrpcTest, ADroppedCallIsAnswered) {
  Serve(path_, {});
  auto channel = Dial(path_, "session", {});
  std::jthread running([&] { EXPECT_TRUE(Ask(*channel, "blocks").ok()); });
  fake_.WaitForBlocked(1);
  absl::Status status;
  std::jthread waiting([&] { status = Ask(*channel, "x").status(); });
  while (workers_->queued() == 0) std::this_thread::yield();
  workers_->DropQueued();
  waiting.join();
  EXPECT_EQ(ReasonOf(status), ErrorReason::kDependencyDown) << status;
  fake_.Release();
}

TEST_F(GrpcTest, AFullQueueShedsTheTenantThatHasMost) {
  Serve(path_, {}, 3);
  auto channel = Dial(path_, "session", {});
  std::jthread running([&] { EXPECT_TRUE(Ask(*channel, "blocks").ok()); });
  fake_.WaitForBlocked(1);
  std::latch refused(1);
  std::atomic<int> served = 0;
  std::vector<std::jthread> storm;
  for (int i = 0; i < 3; ++i) {
    storm.emplace_back([&] {
      const absl::Status status = Ask(*channel, "storm").status();
      if (status.ok()) {
        ++served;
      } else {
        EXPECT_EQ(ReasonOf(status), ErrorReason::kOverloaded) << status;
        refused.count_down();
      }
    });
  }
  while (workers_->queued() < 3) std::this_thread::yield();
  std::jthread calm([&] { EXPECT_TRUE(Ask(*channel, "calm").ok()); });
  refused.wait();
  EXPECT_EQ(workers_->queued(), 3u);
  fake_.Release();
  calm.join();
  storm.clear();
  EXPECT_EQ(served, 2);
}

TEST_F(GrpcTest, OutgoingCallsCanBeEndedBeforeTheirDeadline) {
  Serve(path_, {});
  OutgoingCalls calls;
  auto channel = MakeGrpcChannel(path_, "tenants", "session", {}, &calls);
  ASSERT_TRUE(channel.ok());
  absl::Status status;
  std::jthread running([&] { status = Ask(**channel, "blocks", absl::Hours(1)).status(); });
  fake_.WaitForBlocked(1);
  calls.CancelAll();
  running.join();
  EXPECT_EQ(ReasonOf(status), ErrorReason::kDeadlineExceeded);
  // Nor does a later one wait.
  EXPECT_FALSE(Ask(**channel, "x", absl::Hours(1)).ok());
}

}  // namespace
}  // namespace gatehouse::rpc
