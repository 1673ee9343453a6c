// What every request does besides: the hand-over to a worker, a metric, a log line.

#include <benchmark/benchmark.h>
#include <fcntl.h>

#include <semaphore>

#include "libs/base/worker_pool.h"
#include "libs/telemetry/log.h"
#include "libs/telemetry/metrics.h"

namespace gatehouse {
namespace {

// There and back, one at a time: both threads sleep in between, as with one client.
void HandOver(benchmark::State& state) {
  // Outlives the pool's thread: whoever waits goes on before release() has returned.
  std::binary_semaphore done(0);
  WorkerPool pool("bench", 1, 16);
  for (auto _ : state) {
    if (!pool.TrySubmit([&] { done.release(); })) return state.SkipWithError("refused");
    done.acquire();
  }
}
BENCHMARK(HandOver)->MeasureProcessCPUTime()->UseRealTime();

void ObserveRequest(benchmark::State& state) {
  static telemetry::Metrics metrics;
  static telemetry::HttpMetric& metric = metrics.Http("POST", "/recipe/session/verify");
  for (auto _ : state) metric.Observe(200, 0.001);
}
BENCHMARK(ObserveRequest);
BENCHMARK(ObserveRequest)->Threads(2)->UseRealTime();

void LogLine(benchmark::State& state) {
  telemetry::ConfigureLog(
      {.process = "bench", .file_descriptor = open("/dev/null", O_WRONLY | O_CLOEXEC)});
  for (auto _ : state) {
    telemetry::Log(telemetry::LogLevel::kInfo, "request",
                   {{"route", "/recipe/session/verify"}, {"status", 200}, {"ms", 1}});
  }
}
BENCHMARK(LogLine);

void LogLineBelowLevel(benchmark::State& state) {
  telemetry::SetLogLevel(telemetry::LogLevel::kWarn);
  for (auto _ : state) {
    if (telemetry::LogEnabled(telemetry::LogLevel::kInfo)) {
      telemetry::Log(telemetry::LogLevel::kInfo, "request", {{"status", 200}});
    }
  }
}
BENCHMARK(LogLineBelowLevel);

}  // namespace
}  // namespace gatehouse
