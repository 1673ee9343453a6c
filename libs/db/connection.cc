#include "libs/db/connection.h"

#include <sys/socket.h>

#include <cerrno>
#include <pqxx/pqxx>
#include <unordered_map>
#include <vector>

#include "absl/strings/str_cat.h"
#include "libs/base/status.h"
#include "libs/base/steady_time.h"
#include "libs/db/error_map.h"
#include "libs/db/result_data.h"
#include "libs/db/watchdog.h"

namespace gatehouse::db {
namespace {

// A transaction that a dying client left open holds its locks no longer than this.
constexpr absl::Duration kIdleInTransactionTimeout = absl::Seconds(60);
// A server that accepted the connection answers to the first SET at once, or is in trouble.
constexpr absl::Duration kSetUpTimeout = absl::Seconds(5);

}  // namespace

struct Connection::Driver {
  explicit Driver(const std::string& conninfo) : connection(conninfo), quiet(connection) {}

  pqxx::connection connection;
  pqxx::quiet_errorhandler quiet;  // notices would go to stderr
  // Open for as long as the connection: in libpqxx statements need a transaction object, and this
  // kind sends no BEGIN.
  std::unique_ptr<pqxx::nontransaction> session;
  std::shared_ptr<InFlight> in_flight = std::make_shared<InFlight>();
  std::unordered_map<std::string, const char*> prepared;
};

Connection::Connection(std::shared_ptr<Driver> driver) : driver_(std::move(driver)) {}

Connection::~Connection() {
  Watchdog::Get().Remove(driver_->in_flight);
  driver_->session.reset();
}

absl::StatusOr<std::unique_ptr<Connection>> Connection::Open(const std::string& conninfo,
                                                             absl::Duration statement_timeout) {
  try {
    auto driver = std::make_shared<Driver>(conninfo);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    // Reconnecting inside the driver would hide that session state is gone.
    driver->connection.inhibit_reactivation(true);
#pragma GCC diagnostic pop
    driver->connection.set_verbosity(pqxx::connection_base::verbose);
    driver->session = std::make_unique<pqxx::nontransaction>(driver->connection);
    driver->in_flight->socket = driver->connection.sock();
    std::weak_ptr<Driver> weak = driver;
    driver->in_flight->cancel = [weak] {
      const std::shared_ptr<Driver> alive = weak.lock();
      if (alive == nullptr) return;
      try {
        alive->connection.cancel_query();
      } catch (const std::exception&) {
        // The connection is cut when the grace period ends.
      }
    };
    std::unique_ptr<Connection> connection(new Connection(driver));
    Watchdog::Get().Add(driver->in_flight);
    RETURN_IF_ERROR(connection->RunText(
        SteadyNow() + kSetUpTimeout,
        // A prepared statement's general plan is often costed so high that compiling it takes longer
        // than running it.
        absl::StrCat("SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED; "
                     "SET client_min_messages = warning; SET jit = off; SET statement_timeout = ",
                     absl::ToInt64Milliseconds(statement_timeout),
                     "; SET idle_in_transaction_session_timeout = ",
                     absl::ToInt64Milliseconds(kIdleInTransactionTimeout))));
    return connection;
  } catch (const std::exception& error) {
    return ConnectionTrouble(error.what());
  }
}

absl::Status Connection::StatusOf(const std::exception& error) {
  // libpqxx leaves the code out of some of its exceptions, and derives some from other classes
  // than their like; the message of an error that the server reported always has the code.
  const std::string state = SqlStateIn(error.what());
  if (!state.empty()) {
    if (SpoilsConnection(state) || !driver_->connection.is_open()) usable_ = false;
    return FromSqlState(state, error.what());
  }
  usable_ = false;
  // An SQL error without a code is the client library speaking: the connection is gone.
  const bool lost = dynamic_cast<const pqxx::broken_connection*>(&error) != nullptr ||
                    dynamic_cast<const pqxx::sql_error*>(&error) != nullptr ||
                    !driver_->connection.is_open();
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
      status = DeadlinePassed("cut off: the server did not react to the cancel request");
    }
  }
  return status;
}

absl::StatusOr<Result> Connection::Run(absl::Time deadline, const Statement& statement,
                                       const TableNames& names, const Params& params) {
  if (!params.valid()) return BadInput("A value in the input holds a NUL character");
  const std::string name = statement.name;
  std::shared_ptr<const ResultData> data;
  const absl::Status status = Guarded(deadline, [&] {
    const auto [known, is_new] = driver_->prepared.emplace(name, statement.sql);
    if (is_new) {
      driver_->connection.prepare(name, names.Expand(statement.sql));
      ++round_trips_;
    } else if (known->second != statement.sql && std::string_view(known->second) != statement.sql) {
      throw pqxx::usage_error("two statements share the name " + name);
    }
    std::vector<const char*> values;
    values.reserve(params.size());
    for (const auto& value : params.values()) {
      values.push_back(value.has_value() ? value->c_str() : nullptr);
    }
    ++round_trips_;
    data = std::make_shared<const ResultData>(driver_->session->exec_prepared(
        name, pqxx::prepare::make_dynamic_params(values.begin(), values.end())));
  });
  if (!status.ok()) return status;
  return Result(std::move(data));
}

absl::Status Connection::RunText(absl::Time deadline, const std::string& sql) {
  return Guarded(deadline, [&] {
    ++round_trips_;
    driver_->session->exec(sql);
  });
}

bool Connection::LooksAlive() const {
  if (!usable_) return false;
  char byte;
  const ssize_t got = ::recv(driver_->in_flight->socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

}  // namespace gatehouse::db
