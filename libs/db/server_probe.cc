#include "libs/db/server_probe.h"

#include <string_view>

#include "libs/base/status.h"
#include "libs/db/conninfo.h"
#include "libs/db/error_map.h"
#include "libs/db/plain_connect.h"
#include "libs/db/wake_fd.h"

namespace gatehouse::db {
namespace {

// By SQLSTATE class: trouble with the connection, with resources ("too many connections"), with
// operator intervention ("the database system is starting up"): states that pass.
bool Passes(std::string_view sqlstate) {
  for (const std::string_view passing : {"08", "53", "55", "57"}) {
    if (sqlstate.starts_with(passing)) return true;
  }
  return sqlstate.empty();
}

// A stand-by may be promoted; a server that a setting makes read-only stays so. Servers report both
// since PostgreSQL 14; for older ones neither is known here.
bool ReadOnlyBySetting(PGconn* connection) {
  const auto is = [&](const char* name, std::string_view value) {
    const char* told = PQparameterStatus(connection, name);
    return told != nullptr && told == value;
  };
  return is("default_transaction_read_only", "on") && is("in_hot_standby", "off");
}

}  // namespace

ServerAnswer ProbeServer(const DatabaseOptions& options, const std::stop_token& stop) {
  const absl::StatusOr<std::string> conninfo = MakeConninfo(options);
  if (!conninfo.ok()) return {ServerState::kRefuses, std::string(conninfo.status().message())};
  const WakeFd wake;
  const std::stop_callback on_stop(stop, [&wake] { wake.Wake(); });
  const absl::StatusOr<PgConnPtr> connection =
      PlainConnect(*conninfo, options.allow_clear_text_password, wake.get());
  if (connection.ok()) {
    if (!ReadOnlyBySetting(connection->get())) return {ServerState::kUp, ""};
    return {ServerState::kRefuses,
            "the database or its role is read-only: default_transaction_read_only is on"};
  }
  const absl::Status& status = connection.status();
  const bool wrong_settings = ReasonOf(status) == ErrorReason::kBadInput;
  const bool passes = !wrong_settings && Passes(SqlStateOf(status));
  return {passes ? ServerState::kNotYet : ServerState::kRefuses,
          wrong_settings ? std::string(status.message()) : DatabaseCause(status)};
}

}  // namespace gatehouse::db
