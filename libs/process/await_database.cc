#include "libs/process/await_database.h"

#include "libs/base/status.h"
#include "libs/base/stop.h"
#include "libs/base/strings.h"
#include "libs/db/server_probe.h"
#include "libs/host/waiting_log.h"

namespace gatehouse::process {
namespace {

// Soon enough after a database's start, and negligible for a server that is busy starting.
constexpr absl::Duration kPause = absl::Milliseconds(500);

absl::Status Stopped() { return absl::CancelledError("asked to stop"); }

absl::Status Await(const db::DatabaseOptions& options, const std::stop_token& stop,
                   host::WaitingLog& log) {
  for (;;) {
    const db::ServerAnswer answer = db::ProbeServer(options, stop);
    if (stop.stop_requested()) return Stopped();
    if (answer.state == db::ServerState::kUp) return absl::OkStatus();
    if (answer.state == db::ServerState::kRefuses) {
      return absl::FailedPreconditionError(
          StrCat("the database refuses the connection (", answer.cause, ")"));
    }
    log.Say(answer.cause);
    if (WaitForStop(stop, kPause)) return Stopped();
  }
}

}  // namespace

absl::Status AwaitDatabase(const db::DatabaseOptions& options, const std::stop_token& stop) {
  host::WaitingLog log("the database");
  return Await(options, stop, log);
}

absl::Status WithDatabase(const db::DatabaseOptions& options, const std::stop_token& stop,
                          absl::FunctionRef<absl::Status()> step) {
  host::WaitingLog log("the database");
  for (;;) {
    RETURN_IF_ERROR(Await(options, stop, log));
    const absl::Status status = step();
    if (stop.stop_requested()) return Stopped();
    if (ReasonOf(status) != ErrorReason::kDependencyDown) return status;
    log.Say(db::DatabaseCause(status));
    if (WaitForStop(stop, kPause)) return Stopped();
  }
}

}  // namespace gatehouse::process
