#include "libs/db/database.h"

#include <algorithm>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "libs/base/may_block.h"
#include "libs/base/status.h"
#include "libs/base/steady_time.h"
#include "libs/db/conninfo.h"
#include "libs/db/counters.h"
#include "libs/db/error_map.h"
#include "libs/db/lease.h"
#include "libs/db/listener.h"
#include "libs/db/pool.h"

namespace gatehouse::db {
namespace {

// A conflict is resolved after one or two retries; this many mean that something else is wrong.
constexpr int kMaxAttempts = 12;
constexpr absl::Duration kFirstBackoff = absl::Milliseconds(2);
constexpr absl::Duration kLongestBackoff = absl::Milliseconds(200);

constexpr Statement kNotify = {"db_notify", "SELECT pg_notify($1, $2)"};
constexpr Statement kPing = {"db_ping", "SELECT 1"};

thread_local ThreadStatementCounts t_counts;

// Waits before attempt `next`; false when that is one too many, or past the deadline. Random, so
// that transactions that collided once do not collide again.
bool BackOff(int next, absl::Time deadline) {
  if (next > kMaxAttempts) return false;
  thread_local std::minstd_rand random{std::random_device{}()};
  const absl::Duration longest = std::min(kLongestBackoff, kFirstBackoff * (1 << (next - 1)));
  const double part = std::uniform_real_distribution<double>(0.2, 1.0)(random);
  const absl::Duration wait = longest * part;
  if (SteadyNow() + wait >= deadline) return false;
  absl::SleepFor(wait);
  return true;
}

// Counts the round trips of one use of a connection, at the end of its scope.
class RoundTripMeter {
 public:
  RoundTripMeter(Counters& counters, Connection& connection)
      : counters_(counters), connection_(connection), before_(connection.round_trips()) {}
  ~RoundTripMeter() { counters_.CountRoundTrips(connection_.round_trips() - before_); }

 private:
  Counters& counters_;
  Connection& connection_;
  const int64_t before_;
};

}  // namespace

void Counters::CountStatement() {
  statements.fetch_add(1, std::memory_order_relaxed);
  ++t_counts.statements;
}

void Counters::CountRoundTrips(int64_t count) {
  round_trips.fetch_add(count, std::memory_order_relaxed);
  t_counts.round_trips += count;
}

ThreadStatementCounts ThreadStatements() { return t_counts; }

struct Database::Impl {
  Impl(DatabaseOptions o, std::string info)
      : options(std::move(o)), pool(std::move(info), options) {}

  absl::Status Finish(std::string_view what, absl::Status status) {
    if (ReasonOf(status) == ErrorReason::kDeadlineExceeded) ++counters.statement_timeouts;
    if (!status.ok() && !IsLogged(status)) LogFailure(what, status);
    return status;
  }

  absl::Status RunBody(Lease& lease, absl::Time deadline, Isolation isolation, int attempt,
                       absl::FunctionRef<absl::Status(Transaction&)> body);

  const DatabaseOptions options;
  Counters counters;
  Pool pool;
};

absl::StatusOr<std::unique_ptr<Database>> Database::Create(DatabaseOptions options) {
  if (options.pool_size < 1 || options.pool_size > 10000) {
    return BadInput("The connection pool's size must be from 1 to 10000");
  }
  options.min_idle = std::clamp(options.min_idle, 0, options.pool_size);
  options.max_waiting = std::max(options.max_waiting, 0);
  ASSIGN_OR_RETURN(std::string conninfo, MakeConninfo(options));
  return std::unique_ptr<Database>(
      new Database(std::make_unique<Impl>(std::move(options), std::move(conninfo))));
}

Database::Database(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Database::~Database() = default;

absl::StatusOr<Result> Database::Execute(absl::Time deadline, const Statement& statement,
                                         const Params& params) {
  if (!MayBlock()) return WouldBlock();
  for (int attempt = 1;; ++attempt) {
    absl::StatusOr<Result> result = [&]() -> absl::StatusOr<Result> {
      ASSIGN_OR_RETURN(std::unique_ptr<Lease> lease, Lease::Take(impl_->pool, deadline));
      const RoundTripMeter meter(impl_->counters, lease->connection());
      impl_->counters.CountStatement();
      return lease->connection().Run(deadline, statement, params);
    }();
    if (result.ok()) return result;
    if (IsRetryable(result.status()) && BackOff(attempt + 1, deadline)) {
      ++impl_->counters.retries;
      continue;
    }
    return impl_->Finish(statement.name, result.status());
  }
}

// One BEGIN ... COMMIT or ROLLBACK.
absl::Status Database::Impl::RunBody(Lease& lease, absl::Time deadline, Isolation isolation,
                                     int attempt,
                                     absl::FunctionRef<absl::Status(Transaction&)> body) {
  Connection& connection = lease.connection();
  RETURN_IF_ERROR(connection.Begin(deadline, isolation));
  Transaction transaction(lease, counters, deadline, attempt);
  absl::Status outcome = body(transaction);
  if (!transaction.failure_.ok()) {
    // The body may have turned the error into one that no longer shows that a retry helps.
    if (outcome.ok() || IsRetryable(transaction.failure_)) outcome = transaction.failure_;
  } else if (outcome.ok()) {
    RETURN_IF_ERROR(connection.RunText(deadline, "COMMIT"));
    return outcome;
  }
  if (connection.usable()) {
    // Even past the deadline the rollback must happen; the server does it quickly.
    const absl::Status rolled_back = connection.RunText(SteadyNow() + absl::Seconds(5), "ROLLBACK");
    if (!rolled_back.ok()) connection.Spoil();
  }
  return outcome;
}

absl::Status Database::Transact(absl::Time deadline, Isolation isolation,
                                absl::FunctionRef<absl::Status(Transaction&)> body) {
  if (!MayBlock()) return WouldBlock();
  for (int attempt = 1;; ++attempt) {
    const absl::Status status = [&]() -> absl::Status {
      ASSIGN_OR_RETURN(std::unique_ptr<Lease> lease, Lease::Take(impl_->pool, deadline));
      const RoundTripMeter meter(impl_->counters, lease->connection());
      return impl_->RunBody(*lease, deadline, isolation, attempt, body);
    }();
    if (status.ok()) return status;
    if (IsRetryable(status) && BackOff(attempt + 1, deadline)) {
      ++impl_->counters.retries;
      continue;
    }
    return impl_->Finish("transaction", status);
  }
}

absl::StatusOr<Result> Transaction::Execute(const Statement& statement, const Params& params) {
  if (!failure_.ok()) return failure_;
  counters_.CountStatement();
  absl::StatusOr<Result> result = lease_.connection().Run(deadline_, statement, params);
  if (!result.ok()) {
    failure_ = result.status();
    NoteStatement(failure_, statement.name);
    return failure_;
  }
  return result;
}

absl::Status Transaction::ExecuteScript(std::string_view sql) {
  if (!failure_.ok()) return failure_;
  counters_.CountStatement();
  absl::Status done = lease_.connection().RunText(deadline_, sql);
  if (!done.ok()) failure_ = done;
  return done;
}

absl::Status Database::ExecuteScript(absl::Time deadline, std::string_view sql) {
  if (!MayBlock()) return WouldBlock();
  const absl::Status status = [&]() -> absl::Status {
    ASSIGN_OR_RETURN(std::unique_ptr<Lease> lease, Lease::Take(impl_->pool, deadline));
    Connection& connection = lease->connection();
    const RoundTripMeter meter(impl_->counters, connection);
    impl_->counters.CountStatement();
    // A shared session does not have our limit.
    if (!connection.shares_sessions()) {
      RETURN_IF_ERROR(connection.RunText(deadline, "SET statement_timeout = 0"));
    }
    // The script may leave anything behind, such as a changed setting or an open transaction.
    absl::Status done = connection.RunText(deadline, sql);
    connection.Spoil();
    return done;
  }();
  return impl_->Finish("script", status);
}

absl::StatusOr<std::unique_ptr<Subscription>> Database::Listen(
    std::string channel, std::function<void(const Notification&)> callback) {
  return StartListener(impl_->pool, std::move(channel), std::move(callback));
}

absl::Status Database::Notify(absl::Time deadline, std::string_view channel,
                              std::string_view payload) {
  return Execute(deadline, kNotify, {channel, payload}).status();
}

absl::Status Database::Ping(absl::Time deadline) { return Execute(deadline, kPing).status(); }

const TableNames& Database::tables() const { return impl_->options.tables; }
const DatabaseOptions& Database::options() const { return impl_->options; }
void Database::CloseIdle() { impl_->pool.CloseIdle(); }
void Database::Retire() { impl_->pool.Retire(); }

DatabaseStats Database::stats() const {
  DatabaseStats stats;
  impl_->pool.AddStats(stats);
  stats.statements = impl_->counters.statements;
  stats.round_trips = impl_->counters.round_trips;
  stats.statement_timeouts = impl_->counters.statement_timeouts;
  stats.retries = impl_->counters.retries;
  return stats;
}

}  // namespace gatehouse::db
