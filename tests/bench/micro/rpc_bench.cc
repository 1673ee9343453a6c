// A call to a service that does nothing: in this process, and by gRPC over a socket of this
// machine.

#include <benchmark/benchmark.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "libs/rpc/grpc_test_util.h"

namespace gatehouse::rpc {
namespace {

struct Served {
  FakeDirectory fake;
  TenantDirectoryServiceHandler handler{fake};
  std::unique_ptr<Dispatcher> dispatcher = *Dispatcher::Create(
      handler, {{"GetDirectoryEntries", {"session"}}, {"WatchTenants", {"session"}}});
};

void CallInProcess(benchmark::State& state) {
  Served served;
  Dispatcher* const dispatchers[] = {served.dispatcher.get()};
  const auto channel = MakeLocalChannel(dispatchers, "session");
  for (auto _ : state) benchmark::DoNotOptimize(Ask(*channel, "x"));
}
BENCHMARK(CallInProcess);

void Call(benchmark::State& state, const std::string& address, bool secured) {
  Served served;
  WorkerPool workers("rpc", 1, 64);
  const auto security = [&](const char* name) {
    return secured ? Holder(name) : TransportSecurity();
  };
  const auto server =
      *GrpcServer::Start({address}, security("tenants"), {{served.dispatcher.get(), &workers}});
  const auto channel = Dial(secured ? "127.0.0.1:" + std::to_string(server->port()) : address,
                            "session", security("session"));
  for (auto _ : state) {
    if (!Ask(*channel, "x").ok()) return state.SkipWithError("the call failed");
  }
}

void CallByUnixSocket(benchmark::State& state) {
  Call(state,
       "unix:" + std::filesystem::temp_directory_path().string() + "/gatehouse-bench-" +
           std::to_string(getpid()) + ".sock",
       false);
}
BENCHMARK(CallByUnixSocket)->MeasureProcessCPUTime()->UseRealTime();

void CallByTls(benchmark::State& state) { Call(state, "127.0.0.1:0", true); }
BENCHMARK(CallByTls)->MeasureProcessCPUTime()->UseRealTime();

}  // namespace
}  // namespace gatehouse::rpc
