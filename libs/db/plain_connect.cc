#include "libs/db/plain_connect.h"

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <map>
#include <string_view>
#include <vector>

#include "absl/strings/str_split.h"
#include "libs/base/status.h"
#include "libs/db/error_map.h"
#include "libs/db/password_guard.h"

namespace gatehouse::db {
namespace {

using Clock = std::chrono::steady_clock;
using Values = std::map<std::string, std::string>;

constexpr int kDefaultTimeoutS = 5;

struct OptionsDeleter {
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};

absl::StatusOr<Values> Parse(const std::string& conninfo) {
  const std::unique_ptr<PQconninfoOption, OptionsDeleter> parsed(
      PQconninfoParse(conninfo.c_str(), nullptr));
  if (parsed == nullptr) return Bug("connection settings that can't be read");
  Values values;
  for (const PQconninfoOption* option = parsed.get(); option->keyword != nullptr; ++option) {
    if (option->val != nullptr) values[option->keyword] = option->val;
  }
  return values;
}

// The settings of each host separately: the library tries several hosts only in its blocking calls.
std::vector<Values> EachHost(const Values& values) {
  size_t hosts = 1;
  std::map<std::string, std::vector<std::string>> lists;
  for (const char* key : {"host", "hostaddr", "port"}) {
    const auto found = values.find(key);
    if (found == values.end()) continue;
    lists[key] = absl::StrSplit(found->second, ',');
    if (std::string_view(key) != "port") hosts = std::max(hosts, lists[key].size());
  }
  std::vector<Values> each;
  for (size_t i = 0; i < hosts; ++i) {
    Values& own = each.emplace_back(values);
    for (const auto& [key, list] : lists) own[key] = list[std::min(i, list.size() - 1)];
  }
  return each;
}

// Whether trying again can't help: libpq reports these without an SQLSTATE.
bool SettingsAreWrong(PGconn* connection, std::string_view message) {
  if (PQconnectionNeedsPassword(connection)) return true;
  for (const std::string_view part : {"SSL", "certificate", "authentication", "invalid "}) {
    if (message.find(part) != std::string_view::npos) return true;
  }
  return false;
}

absl::Status Failure(PGconn* connection) {
  // One line per address that was tried; a server's own message takes precedence.
  const std::string message = PQerrorMessage(connection);
  const std::vector<std::string> lines = absl::StrSplit(message, '\n', absl::SkipEmpty());
  for (const std::string& line : lines) {
    if (const std::string state = SqlStateIn(line); !state.empty()) {
      return FromSqlState(state, line);
    }
  }
  const std::string first = lines.empty() ? "" : lines.front();
  if (SettingsAreWrong(connection, message)) return BadInput(first);
  return ConnectionTrouble(first);
}

absl::StatusOr<PgConnPtr> ConnectToOne(const Values& values, bool allow_clear_text_password,
                                       int wake_fd) {
  std::vector<const char*> keys, texts;
  for (const auto& [key, value] : values) {
    keys.push_back(key.c_str());
    texts.push_back(value.c_str());
  }
  keys.push_back(nullptr);
  texts.push_back(nullptr);
  const auto timeout = values.find("connect_timeout");
  const int timeout_s = timeout == values.end() ? 0 : std::atoi(timeout->second.c_str());
  const Clock::time_point give_up =
      Clock::now() + std::chrono::seconds(timeout_s > 0 ? timeout_s : kDefaultTimeoutS);

  PgConnPtr connection(PQconnectStartParams(keys.data(), texts.data(), /*expand_dbname=*/0));
  if (connection == nullptr) return Bug("out of memory");
  PQsetErrorVerbosity(connection.get(), PQERRORS_VERBOSE);  // for the SQLSTATE
  if (PQstatus(connection.get()) == CONNECTION_BAD) return Failure(connection.get());
  PasswordGuard guard(connection.get(), allow_clear_text_password);
  for (PostgresPollingStatusType next = PGRES_POLLING_WRITING; next != PGRES_POLLING_OK;) {
    if (next == PGRES_POLLING_FAILED) return Failure(connection.get());
    const short events = next == PGRES_POLLING_READING ? POLLIN : POLLOUT;
    const int fd = guard.server_fd() >= 0 ? guard.server_fd() : PQsocket(connection.get());
    pollfd fds[2] = {{fd, events, 0}, {wake_fd, POLLIN, 0}};
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(give_up - Clock::now()).count();
    const int ready = ::poll(fds, 2, static_cast<int>(std::max<int64_t>(left, 0)));
    if (fds[1].revents != 0) return absl::CancelledError("asked to stop");
    if (ready == 0) return ConnectionTrouble("the server does not answer: timeout expired");
    absl::Status passed = guard.PassOn();
    if (passed.ok()) {
      do {
        next = PQconnectPoll(connection.get());
      } while (next == PGRES_POLLING_READING && guard.HasUnread());
      if (next != PGRES_POLLING_FAILED) passed = guard.AfterPoll();
    }
    // A server that wants the password in clear text will keep wanting it.
    if (absl::IsPermissionDenied(passed)) return BadInput(std::string(passed.message()));
    if (!passed.ok()) return ConnectionTrouble(std::string(passed.message()));
  }
  return connection;
}

}  // namespace

absl::StatusOr<PgConnPtr> PlainConnect(const std::string& conninfo, bool allow_clear_text_password,
                                       int wake_fd) {
  ASSIGN_OR_RETURN(const Values values, Parse(conninfo));
  absl::StatusOr<PgConnPtr> connection;
  for (const Values& one : EachHost(values)) {
    connection = ConnectToOne(one, allow_clear_text_password, wake_fd);
    if (connection.ok() || absl::IsCancelled(connection.status())) return connection;
  }
  return connection;
}

}  // namespace gatehouse::db
