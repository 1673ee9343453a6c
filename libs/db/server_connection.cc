#include "libs/db/server_connection.h"

#include <libpq-fe.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <pqxx/except.hxx>
#include <string_view>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "libs/base/steady_time.h"
#include "libs/db/error_map.h"
#include "libs/db/password_guard.h"
#include "libs/db/watchdog.h"

namespace gatehouse::db {
namespace {

struct FreeOptions {
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};
struct Finish {
  void operator()(PGconn* connection) const { PQfinish(connection); }
};
using ConnectionPtr = std::unique_ptr<PGconn, Finish>;

using Settings = std::vector<std::pair<std::string, std::string>>;

Settings SettingsOf(const std::string& conninfo) {
  char* error = nullptr;
  const std::unique_ptr<PQconninfoOption, FreeOptions> parsed(
      PQconninfoParse(conninfo.c_str(), &error));
  PQfreemem(error);
  Settings settings;
  for (const PQconninfoOption* option = parsed.get();
       option != nullptr && option->keyword != nullptr; ++option) {
    if (option->val != nullptr) settings.emplace_back(option->keyword, option->val);
  }
  return settings;
}

std::string Quoted(std::string_view value) {
  std::string quoted = "'";
  for (const char c : value) {
    if (c == '\'' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "'";
}

std::string ValueOf(const Settings& settings, std::string_view keyword) {
  for (const auto& [name, value] : settings) {
    if (name == keyword) return value;
  }
  return "";
}

// The addresses of all hosts, so that a dead one leaves time for the next. Each is a suffix for the
// connection string, in which the last value of a keyword counts.
std::vector<std::string> TargetsOf(const Settings& settings) {
  if (!ValueOf(settings, "hostaddr").empty()) return {""};
  const std::vector<std::string> hosts = absl::StrSplit(ValueOf(settings, "host"), ',');
  const std::vector<std::string> ports = absl::StrSplit(ValueOf(settings, "port"), ',');
  std::vector<std::string> targets;
  std::string unknown;
  for (size_t i = 0; i < hosts.size(); ++i) {
    std::string target = hosts.size() == 1 ? "" : absl::StrCat(" host=", Quoted(hosts[i]));
    if (ports.size() > 1) absl::StrAppend(&target, " port=", ports[std::min(i, ports.size() - 1)]);
    // A socket's directory has no address, and the library finds the default itself.
    if (hosts[i].empty() || hosts[i].front() == '/' || hosts[i].front() == '@') {
      targets.push_back(target);
      continue;
    }
    addrinfo hints = {};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (const int error = ::getaddrinfo(hosts[i].c_str(), nullptr, &hints, &found); error != 0) {
      unknown = absl::StrCat("could not translate host name to address: ", ::gai_strerror(error));
      continue;
    }
    for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
      char text[NI_MAXHOST];
      if (::getnameinfo(each->ai_addr, each->ai_addrlen, text, sizeof(text), nullptr, 0,
                        NI_NUMERICHOST) == 0) {
        targets.push_back(absl::StrCat(target, " hostaddr=", text));
      }
    }
    ::freeaddrinfo(found);
  }
  if (targets.empty()) throw pqxx::broken_connection(unknown);
  return targets;
}

// libpq 15 does not expose the key that a cancel request needs, but writes it into its trace.
class KeyTrace {
 public:
  explicit KeyTrace(PGconn* connection)
      : connection_(connection), file_(::open_memstream(&text_, &size_)) {
    if (file_ == nullptr) return;
    PQtrace(connection_, file_);
    // Times come from localtime(), which threads that connect at once must not call.
    PQsetTraceFlags(connection_, PQTRACE_SUPPRESS_TIMESTAMPS);
  }
  ~KeyTrace() {
    if (file_ == nullptr) return;
    PQuntrace(connection_);
    std::fclose(file_);
    // From libpq 16 on, answers to authentication are in it.
    ::explicit_bzero(text_, size_);
    std::free(text_);
  }

  // The field after the process id in the line of BackendKeyData; nullopt if there is no such line.
  std::optional<int32_t> Key() {
    if (file_ == nullptr || std::fflush(file_) != 0) return std::nullopt;
    const std::string_view text(text_, size_);
    constexpr std::string_view kLine = "BackendKeyData\t";
    const size_t at = text.find(kLine);
    if (at == std::string_view::npos) return std::nullopt;
    const std::string_view rest = text.substr(at + kLine.size());
    const std::string line(rest.substr(0, rest.find('\n')));
    const std::vector<std::string> numbers = absl::StrSplit(line, ' ', absl::SkipEmpty());
    int32_t key = 0;
    if (numbers.size() != 2 || !absl::SimpleAtoi(numbers[1], &key)) return std::nullopt;
    return key;
  }

 private:
  PGconn* const connection_;
  char* text_ = nullptr;
  size_t size_ = 0;
  FILE* const file_;
};

// Waits until `fd` is readable or writable, as libpq requires; false when the time is over.
bool Wait(int fd, PostgresPollingStatusType state, const ConnectLimits& limits, absl::Time until) {
  const short events = state == PGRES_POLLING_READING ? POLLIN : POLLOUT;
  for (;;) {
    const absl::Duration left = until - SteadyNow();
    if (left <= absl::ZeroDuration()) return false;
    pollfd fds[3] = {
        {fd, events, 0}, {limits.stop_fd, POLLIN, 0}, {Watchdog::Get().stop_fd(), POLLIN, 0}};
    const int timeout_ms = static_cast<int>(absl::ToInt64Milliseconds(left)) + 1;
    const int ready = ::poll(fds, 3, timeout_ms);
    if (ready > 0 && (fds[1].revents != 0 || fds[2].revents != 0)) {
      throw pqxx::broken_connection("not wanted any more");
    }
    if (ready > 0) return true;
  }
}

void ThrowUnlessOk(const absl::Status& status) {
  if (!status.ok()) throw pqxx::broken_connection(std::string(status.message()));
}

ConnectionPtr ConnectTo(const std::string& conninfo, const ConnectLimits& limits,
                        absl::Time give_up, CancelKey& key) {
  ConnectionPtr connection(PQconnectStart(conninfo.c_str()));
  if (connection == nullptr) throw std::bad_alloc();
  // So that the text of a refusal has its SQLSTATE.
  PQsetErrorVerbosity(connection.get(), PQERRORS_VERBOSE);
  KeyTrace trace(connection.get());
  PasswordGuard guard(connection.get(), limits.allow_clear_text_password);
  PostgresPollingStatusType state =
      PQstatus(connection.get()) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING;
  while (state != PGRES_POLLING_OK) {
    if (state == PGRES_POLLING_FAILED) {
      throw pqxx::broken_connection(PQerrorMessage(connection.get()));
    }
    const int fd = guard.server_fd() >= 0 ? guard.server_fd() : PQsocket(connection.get());
    if (!Wait(fd, state, limits, std::min(give_up, SteadyNow() + limits.silence))) {
      throw pqxx::broken_connection("the server did not answer in time");
    }
    ThrowUnlessOk(guard.PassOn());
    do {
      state = PQconnectPoll(connection.get());
    } while (state == PGRES_POLLING_READING && guard.HasUnread());
    if (state != PGRES_POLLING_FAILED) ThrowUnlessOk(guard.AfterPoll());
  }
  if (const std::optional<int32_t> secret = trace.Key(); secret.has_value()) {
    key = CancelKey::Of(PQsocket(connection.get()), PQbackendPID(connection.get()), *secret);
  }
  return connection;
}

}  // namespace

ServerConnection::ServerConnection(const std::string& conninfo, const ConnectLimits& limits)
    : connection_base(policy_), policy_(conninfo, limits) {
  init();
}

pqxx::connectionpolicy::handle ServerConnection::Policy::do_startconnect(handle orig) {
  if (orig != nullptr) return orig;
  const std::vector<std::string> targets = TargetsOf(SettingsOf(options()));
  const absl::Time give_up = SteadyNow() + limits.total;
  for (size_t i = 0;; ++i) {
    try {
      return ConnectTo(options() + targets[i], limits, give_up, key).release();
    } catch (const pqxx::broken_connection& error) {
      // A server's answer is final; another address is tried only in place of a dead one.
      const bool answered = !SqlStateIn(error.what()).empty();
      if (answered || i + 1 == targets.size() || SteadyNow() >= give_up ||
          Watchdog::Get().stopping()) {
        throw;
      }
    }
  }
}

}  // namespace gatehouse::db
