// Calls between processes, over real sockets: reasons survive, secrets and policy are checked,
// deadlines and full pools answer, streams start anew.

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
#include <filesystem>
#include <fstream>
#include <mutex>
#include <set>
#include <sstream>
#include <thread>

#include "gatehouse/tenants/v1/tenant_directory.rpc.h"
#include "libs/base/problem.h"
#include "libs/base/status.h"
#include "libs/base/steady_time.h"
#include "libs/rpc/dispatcher.h"
#include "libs/rpc/grpc_channel.h"
#include "libs/rpc/grpc_server.h"
#include "libs/rpc/grpc_time.h"
#include "libs/rpc/secret_authority.h"

namespace gatehouse::rpc {
namespace {

using tenants::v1::GetDirectoryEntriesRequest;
using tenants::v1::GetDirectoryEntriesResponse;
using tenants::v1::TenantDirectoryService;
using tenants::v1::TenantDirectoryServiceClient;
using tenants::v1::TenantDirectoryServiceHandler;
using tenants::v1::WatchTenantsRequest;
using tenants::v1::WatchTenantsResponse;

// Answers by the app id that it is asked for.
class FakeDirectory final : public TenantDirectoryService {
 public:
  absl::StatusOr<GetDirectoryEntriesResponse> GetDirectoryEntries(
      CallContext& context, const GetDirectoryEntriesRequest& request) override {
    ++calls_;
    const std::string& app = request.scopes(0).app_id();
    if (app == "bad") return BadInput("no such thing");
    if (app == "long") {
      return BadInput(Problem::kTooLong, "too long", {{"field", "appId"}, {"max_bytes", "64"}});
    }
    if (app == "bug") return absl::InternalError("driver text that nobody may see");
    if (app == "throws") throw std::runtime_error("driver text that nobody may see");
    if (app == "blocks") {
      std::unique_lock lock(mutex_);
      ++blocked_;
      changed_.notify_all();
      changed_.wait(lock, [this] { return released_; });
    }
    GetDirectoryEntriesResponse response;
    response.add_tenants()->mutable_scope()->set_app_id(context.caller + " " + context.request_id);
    return response;
  }

  absl::Status WatchTenants(CallContext&, const WatchTenantsRequest&,
                            Stream<WatchTenantsRequest, WatchTenantsResponse> stream) override {
    stream.OnRequest([this](const WatchTenantsRequest& request) {
      std::lock_guard lock(mutex_);
      applied_.push_back(request.applied_version());
      changed_.notify_all();
    });
    WatchTenantsResponse first;
    first.set_full(true);
    stream.Send(first);
    std::lock_guard lock(mutex_);
    streams_.push_back(std::move(stream));
    return absl::OkStatus();
  }

  int calls() const { return calls_; }
  size_t streams() {
    std::lock_guard lock(mutex_);
    return streams_.size();
  }
  std::vector<int64_t> WaitForApplied(size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(10), [&] { return applied_.size() >= count; });
    return applied_;
  }

  void WaitForBlocked(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return blocked_ >= count; });
  }
  void Release() {
    std::lock_guard lock(mutex_);
    released_ = true;
    changed_.notify_all();
  }
  void Publish(const std::string& config) {
    std::lock_guard lock(mutex_);
    WatchTenantsResponse change;
    change.set_base_config_json(config);
    for (auto& stream : streams_) stream.Send(change);
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::atomic<int> calls_ = 0;
  std::vector<int64_t> applied_;
  int blocked_ = 0;
  bool released_ = false;
  std::vector<Stream<WatchTenantsRequest, WatchTenantsResponse>> streams_;
};

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

  absl::StatusOr<GetDirectoryEntriesResponse> Ask(Channel& channel, const std::string& app,
                                                  absl::Duration time = absl::Seconds(10)) {
    CallContext context{"", "id-1", SteadyNow() + time};
    GetDirectoryEntriesRequest request;
    request.add_scopes()->set_app_id(app);
    return TenantDirectoryServiceClient(channel).GetDirectoryEntries(context, request);
  }

  std::unique_ptr<Channel> Dial(const std::string& address, const std::string& caller,
                                const TransportSecurity& security) {
    auto channel = MakeGrpcChannel(address, "tenants", caller, security);
    EXPECT_TRUE(channel.ok()) << channel.status();
    return *std::move(channel);
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

constexpr char kSecret[] = "between ourselves, and nobody else";

TransportSecurity Holder(const std::string& name, const std::string& secret = kSecret) {
  auto security = SecurityFromSecret(secret, {name});
  EXPECT_TRUE(security.ok()) << security.status();
  return *std::move(security);
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
  // It says "session", but what it was given is the client's certificate.
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

// Listens without certificates at a service's address and keeps all that it is sent.
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

// Whoever has no certificate is not told which services there are.
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

// Watches until it has had a first message.
class Watch {
 public:
  explicit Watch(Channel& channel)
      : subscription_(TenantDirectoryServiceClient(channel).SubscribeWatchTenants(
            CallContext{}, {}, [this](const WatchTenantsResponse&, const auto&) {
              std::lock_guard lock(mutex_);
              begun_ = true;
              changed_.notify_all();
            })) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return begun_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool begun_ = false;
  std::unique_ptr<Subscription> subscription_;
};

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

// A second replica of the service: another server, and an implementation of its own.
struct Replica {
  explicit Replica(const TransportSecurity& security,
                   absl::Duration max_age = GrpcServer::kMaxConnectionAge)
      : dispatcher(*Dispatcher::Create(
            handler, {{"GetDirectoryEntries", {"session"}}, {"WatchTenants", {"session"}}})),
        server(*GrpcServer::Start({"127.0.0.1:0"}, security, {{dispatcher.get(), &workers}},
                                  max_age)) {}
  std::string address() const { return "127.0.0.1:" + std::to_string(server->port()); }

  FakeDirectory fake;
  TenantDirectoryServiceHandler handler{fake};
  std::unique_ptr<Dispatcher> dispatcher;
  WorkerPool workers{"replica", 1, 64};
  std::unique_ptr<GrpcServer> server;
};

TEST_F(GrpcTest, CallsGoToEachReplicaInTurn) {
  Replica a(Holder("tenants")), b(Holder("tenants"));
  // What a name that leads to two pods resolves to.
  auto channel = Dial("ipv4:" + a.address() + "," + b.address(), "session", Holder("session"));
  const absl::Time give_up = SteadyNow() + absl::Seconds(10);
  while (a.fake.calls() == 0 || b.fake.calls() == 0) {
    ASSERT_TRUE(Ask(*channel, "x").ok());
    ASSERT_LT(SteadyNow(), give_up);
  }
  const int of_a = a.fake.calls(), of_b = b.fake.calls();
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(Ask(*channel, "x").ok());
  EXPECT_EQ(a.fake.calls() - of_a, 10);
  EXPECT_EQ(b.fake.calls() - of_b, 10);
  // When one goes, the other takes them all.
  a.server->Drain(SteadyNow() + absl::Seconds(5));
  while (!Ask(*channel, "x").ok()) ASSERT_LT(SteadyNow(), give_up);
  const int left = b.fake.calls();
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(Ask(*channel, "x").ok());
  EXPECT_EQ(b.fake.calls() - left, 20);
}

TEST_F(GrpcTest, AStreamsAnswersFindItsReplicaAmongSeveral) {
  Replica a(Holder("tenants")), b(Holder("tenants"));
  auto channel = Dial("ipv4:" + a.address() + "," + b.address(), "session", Holder("session"));
  const absl::Time give_up = SteadyNow() + absl::Seconds(60);
  while (a.fake.calls() == 0 || b.fake.calls() == 0) {  // until both connections stand
    ASSERT_TRUE(Ask(*channel, "x").ok());
    ASSERT_LT(SteadyNow(), give_up);
  }
  std::vector<std::unique_ptr<Subscription>> watchers;
  constexpr int kWatchers = 6;
  for (int i = 0; i < kWatchers; ++i) {
    watchers.push_back(TenantDirectoryServiceClient(*channel).SubscribeWatchTenants(
        CallContext{}, {},
        [](const WatchTenantsResponse&, const auto& answer) { answer(WatchTenantsRequest()); }));
  }
  while (a.fake.streams() + b.fake.streams() < kWatchers) ASSERT_LT(SteadyNow(), give_up);
  EXPECT_GT(a.fake.streams(), 0);
  EXPECT_GT(b.fake.streams(), 0);
  EXPECT_EQ(a.fake.WaitForApplied(a.fake.streams()).size(), a.fake.streams());
  EXPECT_EQ(b.fake.WaitForApplied(b.fake.streams()).size(), b.fake.streams());
}

// The client's ends of connections to a port of this machine, closed ones of the last minute too.
std::set<std::string> ConnectionsTo(int port) {
  char end[8];
  snprintf(end, sizeof end, ":%04X", port);
  std::set<std::string> clients;
  for (const char* path : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    std::ifstream table(path);
    std::string slot, local, remote;
    for (std::string line; std::getline(table, line);) {
      std::istringstream(line) >> slot >> local >> remote;
      if (remote.ends_with(end)) clients.insert(local);
      if (local.ends_with(end) && !remote.ends_with(":0000")) clients.insert(remote);
    }
  }
  return clients;
}

TEST_F(GrpcTest, OldConnectionsAreReplacedAndNoCallIsLost) {
  Replica replica(Holder("tenants"), absl::Milliseconds(100));
  auto channel = Dial(replica.address(), "session", Holder("session"));
  const Watch watch(*channel);
  for (const absl::Time end = SteadyNow() + absl::Seconds(1); SteadyNow() < end;) {
    const auto reply = Ask(*channel, "x");
    ASSERT_TRUE(reply.ok()) << reply.status();
  }
  EXPECT_GT(ConnectionsTo(replica.server->port()).size(), 3);
  EXPECT_EQ(replica.fake.streams(), 1) << "the stream stayed where it was";
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
