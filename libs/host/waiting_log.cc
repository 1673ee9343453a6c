#include "libs/host/waiting_log.h"

#include "libs/base/steady_time.h"
#include "libs/telemetry/log.h"

namespace gatehouse::host {
namespace {

constexpr absl::Duration kInterval = absl::Seconds(30);

}  // namespace

WaitingLog::WaitingLog(std::string_view what)
    : what_(what), since_(SteadyNow()), next_(absl::InfinitePast()) {}

void WaitingLog::Say(std::string_view cause) {
  const absl::Time now = SteadyNow();
  if (now < next_) return;
  next_ = now + kInterval;
  telemetry::Log(
      telemetry::LogLevel::kWarn, "waiting",
      {{"for", what_}, {"seconds", absl::ToInt64Seconds(now - since_)}, {"cause", cause}});
}

}  // namespace gatehouse::host
