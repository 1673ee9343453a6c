#include "libs/host/login_faults.h"

#include <algorithm>
#include <optional>

#include "libs/base/status.h"
#include "libs/base/steady_time.h"
#include "libs/base/strings.h"
#include "libs/db/database.h"
#include "libs/host/each_database.h"
#include "libs/host/job_scheduler.h"
#include "libs/telemetry/log.h"

namespace gatehouse::host {
namespace {

constexpr absl::Duration kEvery = absl::Hours(6);
constexpr int kRestPart = 20;  // of the time that a run took
constexpr int kBatch = 500;    // some ten milliseconds

// $1 recipe or null, $2 app and $3 user to continue after, $4 limit. Uses the primary keys of
// app_id_to_user_id and of the recipes' tables.
constexpr db::Statement kNext = {
    "logins_next_fault",
    "SELECT at_app, at_user, of_recipe, fault, more FROM {schema}.{~gatehouse_next_login_fault}("
    "$1::varchar, $2::varchar, $3::bpchar, $4::integer)"};
constexpr db::Statement kMend = {
    "logins_mend", "SELECT {schema}.{~gatehouse_mend_login}($1::varchar, $2::bpchar)"};

// Walks through the users of a database in batches.
class Walk {
 public:
  explicit Walk(std::optional<std::string> recipe_id) : recipe_id_(std::move(recipe_id)) {}

  // The next batch, from a database or a transaction: its fault, if it ends with one.
  template <typename Executor>
  absl::StatusOr<std::optional<LoginFault>> Next(const Executor& execute) {
    ASSIGN_OR_RETURN(const db::Result rows,
                     execute(kNext, db::Params{recipe_id_, app_, user_, kBatch}));
    at_end_ = rows.empty() || !rows.front().Bool(4);
    if (rows.empty()) return std::nullopt;
    const db::Row row = rows.front();
    app_ = std::string(row.Text(0));
    user_ = std::string(row.Trimmed(1));
    if (row.IsNull(3)) return std::nullopt;
    return LoginFault{app_, user_, std::string(row.Text(2)), std::string(row.Text(3))};
  }
  bool at_end() const { return at_end_; }

 private:
  const std::optional<std::string> recipe_id_;
  std::string app_, user_;
  bool at_end_ = false;
};

}  // namespace

absl::Status CheckLogins(db::Database& database, absl::Time deadline, bool mend,
                         absl::FunctionRef<void(const LoginFault&)> found) {
  const auto execute = [&](const db::Statement& statement, const db::Params& params) {
    return database.Execute(deadline, statement, params);
  };
  Walk walk(std::nullopt);
  while (!walk.at_end()) {
    ASSIGN_OR_RETURN(const std::optional<LoginFault> fault, walk.Next(execute));
    if (!fault.has_value()) continue;
    if (mend) RETURN_IF_ERROR(execute(kMend, {fault->app_id, fault->user_id}).status());
    found(*fault);
  }
  return absl::OkStatus();
}

absl::Status LoginSettler::Run(absl::Time deadline) {
  const absl::Time began = SteadyNow();
  if (began < rest_until_ || (!cut_off_ && began < next_)) return absl::OkStatus();
  cut_off_ = false;
  bool complete = true;
  const absl::Status status = InEachDatabase(
      directory_, databases_, [&](db::Database& database, const tenancy::Tenant&) -> absl::Status {
        ASSIGN_OR_RETURN(const bool settled, Settle(database, deadline));
        complete = complete && settled;
        return absl::OkStatus();
      });
  if (!status.ok() || !complete) cut_off_ = true;
  const absl::Time now = SteadyNow();
  rest_until_ = now + kRestPart * (now - began);
  next_ = now + kEvery;
  return status;
}

absl::StatusOr<bool> LoginSettler::Settle(db::Database& database, absl::Time deadline) {
  Walk walk(recipe_id_.empty() ? std::nullopt : std::make_optional(recipe_id_));
  bool held = false;
  RETURN_IF_ERROR(RunExclusively(
      database, deadline, StrCat("settle_logins:", recipe_id_),
      [&](db::Transaction& transaction) -> absl::StatusOr<bool> {
        held = true;
        const auto execute = [&](const db::Statement& statement, const db::Params& params) {
          return transaction.Execute(statement, params);
        };
        // A transaction repairs one user at most: two would be locked in an order of their own.
        ASSIGN_OR_RETURN(const std::optional<LoginFault> fault, walk.Next(execute));
        if (fault.has_value()) {
          RETURN_IF_ERROR(execute(kMend, {fault->app_id, fault->user_id}).status());
          telemetry::Log(telemetry::LogLevel::kInfo, "login_settled",
                         {{"app", fault->app_id},
                          {"user", fault->user_id},
                          {"recipe", fault->recipe_id},
                          {"fault", fault->fault}});
        }
        return !walk.at_end();
      }));
  return held && walk.at_end();
}

}  // namespace gatehouse::host
