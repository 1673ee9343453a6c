#include "libs/db/connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <pqxx/pqxx>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "libs/base/status.h"
#include "libs/base/steady_time.h"
#include "libs/db/conninfo.h"
#include "libs/db/error_map.h"
#include "libs/db/result_data.h"
#include "libs/db/server_connection.h"
#include "libs/db/watchdog.h"

namespace gatehouse::db {
namespace {

// A transaction left open by a dying client holds its locks no longer than this.
constexpr absl::Duration kIdleInTransactionTimeout = absl::Seconds(60);

// From 14 on it may keep what a join has looked up before. Ours look for each thing once.
constexpr int kHasMemoize = 140000;

// The settings of all our sessions. A prepared statement's generic plan is often costed so high
// that compiling it (jit) takes longer than running it. Pages of indexes are in memory: at four
// times the cost of a table's, which is the default, a small table is read whole for each of many
// rows, and goes on being read when it has grown.
std::vector<std::pair<std::string, std::string>> SessionSettings(const DatabaseOptions& options,
                                                                 int server_version) {
  std::vector<std::pair<std::string, std::string>> settings = {
      {"jit", "off"},
      {"random_page_cost", "1.1"},
      {"statement_timeout",
       absl::StrCat(absl::ToInt64Milliseconds(options.default_statement_timeout))},
      {"idle_in_transaction_session_timeout",
       absl::StrCat(absl::ToInt64Milliseconds(kIdleInTransactionTimeout))}};
  if (server_version >= kHasMemoize) settings.emplace_back("enable_memoize", "off");
  return settings;
}

// Whether the host has left a probe unanswered for longer than an answer takes.
bool ProbeIsUnanswered(int socket) {
  tcp_info info = {};
  socklen_t size = sizeof(info);
  // Not TCP: no remote host that could vanish.
  if (::getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return false;
  const absl::Duration answer = 4 * absl::Microseconds(info.tcpi_rtt) + absl::Milliseconds(50);
  return info.tcpi_probes > 0 &&
         absl::Milliseconds(info.tcpi_last_ack_recv) > kProbeInterval + answer;
}

constexpr char kStartedUs[] = "(extract(epoch FROM a.backend_start) * 1000000)::bigint";

const char* BeginOf(Isolation isolation) {
  switch (isolation) {
    case Isolation::kRepeatableRead:
      return "BEGIN ISOLATION LEVEL REPEATABLE READ";
    case Isolation::kReadCommitted:
      break;
  }
  return "BEGIN";
}

}  // namespace

struct Connection::Driver {
  Driver(const std::string& conninfo, const ConnectLimits& limits)
      : connection(conninfo, limits), quiet(connection) {}

  ServerConnection connection;
  pqxx::quiet_errorhandler quiet;  // notices would go to stderr
  // Open for as long as the connection: libpqxx needs a transaction object to run statements, and
  // this kind sends no BEGIN.
  std::unique_ptr<pqxx::nontransaction> session;

  class Receiver final : public pqxx::notification_receiver {
   public:
    Receiver(pqxx::connection_base& connection, const std::string& channel,
             std::function<void(const std::string&)> callback)
        : notification_receiver(connection, channel), callback_(std::move(callback)) {}
    void operator()(const std::string& payload, int) override { callback_(payload); }

   private:
    const std::function<void(const std::string&)> callback_;
  };
  std::unique_ptr<Receiver> receiver;

  std::shared_ptr<InFlight> in_flight = std::make_shared<InFlight>();
  struct Known {
    std::string name;
    const char* sql;       // the statement's
    std::string expanded;  // empty if the server has it
  };
  std::unordered_map<std::string_view, Known> known;  // by the statement's own name
};

Connection::Connection(std::unique_ptr<Driver> driver, const DatabaseOptions& options)
    : driver_(std::move(driver)), options_(options) {}

Connection::~Connection() {
  Watchdog::Get().Remove(driver_->in_flight);
  // Closing must not wait for the server: not for one that is gone, and never for UNLISTEN, which
  // the driver would send.
  if (!usable_ || driver_->receiver != nullptr) {
    ::shutdown(driver_->in_flight->socket, SHUT_RDWR);
  }
  driver_->receiver.reset();
  driver_->session.reset();
}

absl::StatusOr<std::unique_ptr<Connection>> Connection::Open(const std::string& conninfo,
                                                             const DatabaseOptions& options,
                                                             const ConnectLimits& limits) {
  try {
    ConnectLimits guarded = limits;
    guarded.allow_clear_text_password = options.allow_clear_text_password;
    auto driver = std::make_unique<Driver>(conninfo, guarded);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    // Reconnecting inside the driver would hide that session state is gone.
    driver->connection.inhibit_reactivation(true);
#pragma GCC diagnostic pop
    driver->connection.set_verbosity(pqxx::connection_base::verbose);
    driver->session = std::make_unique<pqxx::nontransaction>(driver->connection);
    driver->in_flight->socket = driver->connection.sock();
    driver->in_flight->cancel_key = driver->connection.cancel_key();
    std::unique_ptr<Connection> connection(new Connection(std::move(driver), options));
    Watchdog::Get().Add(connection->driver_->in_flight);
    const absl::Status ready = connection->SetUp(SteadyNow() + limits.silence);
    if (!ready.ok()) return ConnectFailure(DatabaseCause(ready));
    return connection;
  } catch (const std::exception& error) {
    return ConnectFailure(error.what());
  }
}

// One round trip: finds out where the tables are and what is at the other end, and applies the
// session's settings if the session is ours. A pooler reports a made-up process id to its clients.
absl::Status Connection::SetUp(absl::Time deadline) {
  const std::string pid = absl::StrCat(driver_->connection.backendpid());
  const std::string ours = options_.sessions == DatabaseOptions::Sessions::kDetect
                               ? absl::StrCat("pg_backend_pid() = ", pid)
                           : options_.sessions == DatabaseOptions::Sessions::kOwn ? "true"
                                                                                  : "false";
  auto settings = SessionSettings(options_, driver_->connection.server_version());
  settings.emplace_back("default_transaction_isolation", "read committed");
  settings.emplace_back("client_min_messages", "warning");
  std::string values;
  for (const auto& [name, value] : settings) {
    absl::StrAppend(&values, values.empty() ? "" : ", ", "('", name, "', '", value, "')");
  }
  const std::string sql = absl::StrCat(
      "SELECT ", ours, ", current_schema(), (SELECT n.nspname FROM pg_catalog.pg_class c JOIN ",
      "pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass('",
      options_.tables.Bare("app_id_to_user_id"),
      "')), (SELECT count(set_config(s.name, s.value, false)) ", "FROM (VALUES ", values,
      ") AS s(name, value) WHERE ", ours, "), a.pid, ", kStartedUs,
      " FROM pg_catalog.pg_stat_get_activity(pg_backend_pid()) a");
  return Guarded(deadline, [&] {
    ++round_trips_;
    const pqxx::result result = driver_->session->exec(sql);
    shares_sessions_ = !result[0][0].as<bool>();
    const std::string current = result[0][1].as<std::string>("");
    const std::string home = result[0][2].as<std::string>(current.c_str());
    placement_ = {home, home != current};
    if (!shares_sessions_) session_ = {result[0][4].as<int>(), result[0][5].as<int64_t>()};
  });
}

absl::Status Connection::StatusOf(const std::exception& error) {
  // libpqxx omits the code from some of its exceptions and derives some from unexpected classes;
  // the message of an error that the server reported always has the code.
  const std::string state = SqlStateIn(error.what());
  if (!state.empty()) {
    if (SpoilsConnection(state) || !driver_->connection.is_open()) usable_ = false;
    return FromSqlState(state, error.what());
  }
  usable_ = false;
  // An SQL error without a code comes from the client library: the connection is gone.
  const bool lost = dynamic_cast<const pqxx::broken_connection*>(&error) != nullptr ||
                    dynamic_cast<const pqxx::sql_error*>(&error) != nullptr ||
                    !driver_->connection.is_open();
  lost_ = lost;
  return lost ? ConnectionTrouble(error.what()) : Bug(error.what());
}

// Runs `call` under the watchdog and turns whatever it throws into a status.
template <typename Call>
absl::Status Connection::Guarded(absl::Time deadline, Call call) {
  if (!usable_) {
    return driver_->in_flight->cancelled ? DeadlinePassed("an earlier statement was cancelled")
                                         : ConnectionTrouble("the connection was lost before");
  }
  if (Watchdog::Get().stopping()) return DeadlinePassed("not sent: the process is stopping");
  if (deadline != absl::InfiniteFuture()) {
    if (SteadyNow() >= deadline) return DeadlinePassed("not sent: the deadline had passed");
    Watchdog::Get().Arm(*driver_->in_flight, ToSteadyClock(deadline));
  }
  absl::Status status;
  try {
    call();
  } catch (const std::exception& error) {
    status = StatusOf(error);
  }
  if (Watchdog::Get().Disarm(*driver_->in_flight)) {
    usable_ = false;
    if (ReasonOf(status) == ErrorReason::kDependencyDown) {
      lost_ = true;
      status = DeadlinePassed("cut off: the server did not react to the cancel request");
    }
  }
  return status;
}

absl::StatusOr<Result> Connection::Run(absl::Time deadline, const Statement& statement,
                                       const Params& params) {
  if (!params.valid()) return BadInput("A value in the input holds a NUL character");
  std::shared_ptr<const ResultData> data;
  const absl::Status status = Guarded(deadline, [&] {
    const auto [entry, is_new] = driver_->known.try_emplace(statement.name);
    Driver::Known& known = entry->second;
    if (is_new) {
      known.sql = statement.sql;
      known.name = statement.name;
      known.expanded = options_.tables.Expand(statement.sql, placement_);
      if (!shares_sessions_) {
        driver_->connection.prepare(known.name, std::exchange(known.expanded, ""));
        ++round_trips_;
      }
    } else if (known.sql != statement.sql && std::string_view(known.sql) != statement.sql) {
      throw pqxx::usage_error("two statements share the name " + known.name);
    }
    std::vector<const char*> values;
    values.reserve(params.size());
    for (const auto& value : params.values()) {
      values.push_back(value.has_value() ? value->c_str() : nullptr);
    }
    const auto parameters = pqxx::prepare::make_dynamic_params(values.begin(), values.end());
    ++round_trips_;
    // An unnamed statement is prepared and run in one round trip, in one session.
    data = std::make_shared<const ResultData>(
        shares_sessions_ ? driver_->session->exec_params(known.expanded, parameters)
                         : driver_->session->exec_prepared(known.name, parameters));
  });
  if (!status.ok()) return status;
  return Result(std::move(data));
}

absl::Status Connection::RunText(absl::Time deadline, std::string_view sql) {
  return Guarded(deadline, [&] {
    ++round_trips_;
    driver_->session->exec(options_.tables.Expand(sql, placement_));
  });
}

absl::Status Connection::EndSessions(absl::Time deadline,
                                     const std::vector<ServerSession>& sessions) {
  std::string values;
  for (const ServerSession& session : sessions) {
    absl::StrAppend(&values, values.empty() ? "" : ", ", "(", session.pid, ", ", session.started_us,
                    "::bigint)");
  }
  return RunText(
      deadline,
      absl::StrCat("SELECT count(pg_terminate_backend(a.pid)) FROM (VALUES ", values,
                   ") AS s(pid, started) CROSS JOIN LATERAL ",
                   "pg_catalog.pg_stat_get_activity(s.pid) a WHERE ", kStartedUs, " = s.started"));
}

absl::Status Connection::Begin(absl::Time deadline, Isolation isolation) {
  std::string sql = BeginOf(isolation);
  if (shares_sessions_) {
    if (isolation == Isolation::kReadCommitted) sql += " ISOLATION LEVEL READ COMMITTED";
    for (const auto& [name, value] : SessionSettings(options_, driver_->connection.server_version())) {
      absl::StrAppend(&sql, "; SET LOCAL ", name, " = ", value);
    }
  }
  return RunText(deadline, sql);
}

absl::Status Connection::Listen(absl::Time deadline, const std::string& channel,
                                std::function<void(const std::string&)> callback) {
  return Guarded(deadline, [&] {
    // The driver delivers nothing inside what it considers a transaction.
    driver_->session.reset();
    driver_->receiver =
        std::make_unique<Driver::Receiver>(driver_->connection, channel, std::move(callback));
  });
}

absl::Status Connection::Deliver() {
  return Guarded(absl::InfiniteFuture(), [&] {
    driver_->connection.get_notifs();
    if (!driver_->connection.is_open()) {
      throw pqxx::broken_connection("the server closed the connection");
    }
  });
}

int Connection::socket() const { return driver_->in_flight->socket; }

bool Connection::LooksAlive() const {
  if (!usable_) return false;
  char byte;
  const ssize_t got = ::recv(driver_->in_flight->socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  if (got >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK)) return false;
  return !ProbeIsUnanswered(driver_->in_flight->socket);
}

}  // namespace gatehouse::db
