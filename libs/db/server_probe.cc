#include "libs/db/server_probe.h"

#include "libs/base/status.h"
#include "libs/db/conninfo.h"
#include "libs/db/error_map.h"
#include "libs/db/plain_connect.h"
#include "libs/db/wake_fd.h"

namespace gatehouse::db {
namespace {

// By SQLSTATE class: trouble with the connection, with resources ("too many connections"), with an
// operator's intervention ("the database system is starting up"), a state that passes.
bool Passes(std::string_view sqlstate) {
  for (const std::string_view passing : {"08", "53", "55", "57"}) {
    if (sqlstate.starts_with(passing)) return true;
  }
  return sqlstate.empty();
}

}  // namespace

ServerAnswer ProbeServer(const DatabaseOptions& options, const std::stop_token& stop) {
  const absl::StatusOr<std::string> conninfo = MakeConninfo(options);
  if (!conninfo.ok()) return {ServerState::kRefuses, std::string(conninfo.status().message())};
  const WakeFd wake;
  const std::stop_callback on_stop(stop, [&wake] { wake.Wake(); });
  const absl::Status status =
      PlainConnect(*conninfo, options.allow_clear_text_password, wake.get()).status();
  if (status.ok()) return {ServerState::kUp, ""};
  const bool wrong_settings = ReasonOf(status) == ErrorReason::kBadInput;
  const bool passes = !wrong_settings && Passes(SqlStateOf(status));
  return {passes ? ServerState::kNotYet : ServerState::kRefuses,
          wrong_settings ? std::string(status.message()) : DatabaseCause(status)};
}

}  // namespace gatehouse::db
