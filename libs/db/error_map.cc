#include "libs/db/error_map.h"

#include <memory>
#include <mutex>
#include <utility>

#include "absl/strings/cord.h"
#include "libs/base/status.h"
#include "libs/db/errors.h"

namespace gatehouse::db {
namespace {

constexpr char kSqlStatePayload[] = "gatehouse/db/sqlstate";
constexpr char kConstraintPayload[] = "gatehouse/db/constraint";
constexpr char kStatementPayload[] = "gatehouse/db/statement";
constexpr char kRetryPayload[] = "gatehouse/db/retry";

struct ErrorLog {
  std::mutex mutex;
  std::shared_ptr<const std::function<void(std::string_view, std::string_view)>> log;
};

ErrorLog& TheErrorLog() {
  static ErrorLog* const log = new ErrorLog;
  return *log;
}

std::string PayloadOf(const absl::Status& status, const char* key) {
  const auto payload = status.GetPayload(key);
  return payload.has_value() ? std::string(*payload) : std::string();
}

// The first line, which has neither DETAIL nor CONTEXT. Class 22 (data exceptions) quotes values
// that clients sent.
std::string Sanitise(std::string_view sqlstate, std::string_view message) {
  std::string_view line = message.substr(0, message.find('\n'));
  std::string cause(line);
  if (sqlstate.starts_with("22")) {
    const size_t open = cause.find('"');
    // A value may hold line breaks, so that its closing quote is on a later line.
    const size_t close = cause.rfind('"');
    if (open != std::string::npos) {
      cause = cause.substr(0, open) + "\"...\"" +
              (close > open ? cause.substr(close + 1) : std::string());
    }
  }
  return cause;
}

std::string FieldOf(std::string_view message, std::string_view label) {
  // The last one: DETAIL, which comes before it, may contain anything that a client sent.
  const size_t at = message.rfind(label);
  if (at == std::string_view::npos) return "";
  const std::string_view rest = message.substr(at + label.size());
  return std::string(rest.substr(0, rest.find('\n')));
}

absl::Status Map(std::string_view state, std::string_view message) {
  if (state == "23505" || state == "23503") {
    absl::Status status = state == "23505" ? absl::AlreadyExistsError("A unique key is taken")
                                           : absl::FailedPreconditionError("A reference is broken");
    status.SetPayload(kConstraintPayload, absl::Cord(FieldOf(message, "\nCONSTRAINT NAME:  ")));
    return status;
  }
  // 54000: an index entry that doesn't fit a page, which only an overlong value causes.
  if (state == "22001" || state == "54000") return BadInput("A value in the input is too long");
  if (state == "22003") return BadInput("A number in the input is out of range");
  if (state == "22021" || state == "22P05") {
    return BadInput("A value in the input is not valid UTF-8 text");
  }
  if (state == "57014") {
    return MakeError(ErrorReason::kDeadlineExceeded, "The database did not answer in time");
  }
  if (state == "40001" || state == "40P01" || state == "55P03") {
    return MakeError(ErrorReason::kOverloaded, "Too many concurrent changes, try again");
  }
  // 53: the server lacks a resource such as disk space; 58: a system error such as a failing disk.
  if (state == "25006" || state.starts_with("53") || state.starts_with("58") ||
      SpoilsConnection(state)) {
    return MakeError(ErrorReason::kDependencyDown, "The database is not available");
  }
  return MakeError(ErrorReason::kInternal, "Internal error");
}

}  // namespace

bool SpoilsConnection(std::string_view state) {
  // 57P0x: the server is going down; 25006: it became a standby; 0A000 and 26000: prepared
  // statements that no longer fit the tables, or were dropped by a pooler in between.
  return state.starts_with("08") || state.starts_with("57P") || state == "25006" ||
         state == "25P03" || state == "0A000" || state == "26000";
}

std::string SqlStateIn(std::string_view message) {
  constexpr std::string_view kAfterSeverity = ":  ";
  constexpr size_t kLength = 5;
  const size_t at = message.substr(0, message.find('\n')).find(kAfterSeverity);
  if (at == std::string_view::npos) return "";
  const std::string_view rest = message.substr(at + kAfterSeverity.size());
  if (rest.size() <= kLength || rest[kLength] != ':') return "";
  return std::string(rest.substr(0, kLength));
}

absl::Status FromSqlState(std::string_view sqlstate, std::string_view message) {
  absl::Status status = Map(sqlstate, message);
  status.SetPayload(kSqlStatePayload, absl::Cord(std::string(sqlstate)));
  return WithCause(std::move(status), Sanitise(sqlstate, message));
}

absl::Status ConnectionTrouble(std::string_view cause) {
  return WithCause(MakeError(ErrorReason::kDependencyDown, "The database is not available"),
                   cause.substr(0, cause.find("\nDETAIL:")));
}

absl::Status ConnectFailure(std::string_view cause) {
  const std::string state = SqlStateIn(cause);
  absl::Status status = ConnectionTrouble(cause.substr(0, cause.find('\n')));
  if (!state.empty()) status.SetPayload(kSqlStatePayload, absl::Cord(state));
  return status;
}

absl::Status Reworded(const absl::Status& status, std::string_view message) {
  absl::Status reworded(status.code(), absl::string_view(message.data(), message.size()));
  status.ForEachPayload(
      [&](absl::string_view key, const absl::Cord& value) { reworded.SetPayload(key, value); });
  return reworded;
}

absl::Status DeadlinePassed(std::string_view cause) {
  return WithCause(MakeError(ErrorReason::kDeadlineExceeded, "The database did not answer in time"),
                   cause);
}

absl::Status Bug(std::string_view cause) {
  return WithCause(MakeError(ErrorReason::kInternal, "Internal error"), cause);
}

std::string SqlStateOf(const absl::Status& status) { return PayloadOf(status, kSqlStatePayload); }

bool IsRetryable(const absl::Status& status) {
  if (status.ok()) return false;
  if (status.GetPayload(kRetryPayload).has_value()) return true;
  const std::string state = SqlStateOf(status);
  return state == "40001" || state == "40P01";
}

void NoteStatement(absl::Status& status, const char* name) {
  status.SetPayload(kStatementPayload, absl::Cord(name));
}

void LogFailure(std::string_view what, absl::Status& status) {
  if (status.GetPayload(kConstraintPayload).has_value()) return;
  const std::string cause = DatabaseCause(status);
  if (cause.empty()) return;
  std::shared_ptr<const std::function<void(std::string_view, std::string_view)>> log;
  {
    const std::lock_guard lock(TheErrorLog().mutex);
    log = TheErrorLog().log;
  }
  if (log == nullptr) return;
  const std::string statement = PayloadOf(status, kStatementPayload);
  (*log)(statement.empty() ? what : std::string_view(statement), cause);
  MarkLogged(status);
}

std::optional<std::string> ViolatedConstraint(const absl::Status& status) {
  const auto payload = status.GetPayload(kConstraintPayload);
  if (!payload.has_value()) return std::nullopt;
  return std::string(*payload);
}

bool ViolatesConstraint(const absl::Status& status, std::string_view name_suffix) {
  const std::optional<std::string> name = ViolatedConstraint(status);
  return name.has_value() && name->ends_with(name_suffix);
}

std::string DatabaseCause(const absl::Status& status) { return CauseOf(status); }

absl::Status RetryTransaction() {
  absl::Status status =
      MakeError(ErrorReason::kOverloaded, "Too many concurrent changes, try again");
  status.SetPayload(kRetryPayload, absl::Cord("1"));
  return status;
}

void SetErrorLog(std::function<void(std::string_view, std::string_view)> log) {
  const std::lock_guard lock(TheErrorLog().mutex);
  TheErrorLog().log =
      log ? std::make_shared<const std::function<void(std::string_view, std::string_view)>>(
                std::move(log))
          : nullptr;
}

}  // namespace gatehouse::db
