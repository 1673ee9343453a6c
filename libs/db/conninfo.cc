#include "libs/db/conninfo.h"

#include <libpq-fe.h>

#include <map>
#include <memory>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "libs/base/status.h"

namespace gatehouse::db {
namespace {

struct FreeOptions {
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};
using OptionsPtr = std::unique_ptr<PQconninfoOption, FreeOptions>;

std::set<std::string> KnownKeys() {
  std::set<std::string> keys;
  const OptionsPtr defaults(PQconndefaults());
  for (const PQconninfoOption* option = defaults.get();
       option != nullptr && option->keyword != nullptr; ++option) {
    keys.insert(option->keyword);
  }
  return keys;
}

bool IsUri(const std::string& conninfo) {
  return conninfo.starts_with("postgresql://") || conninfo.starts_with("postgres://");
}

// Removes from a URI's query what libpq would refuse.
std::string DropForeignParameters(const std::string& uri) {
  const size_t mark = uri.find('?');
  if (mark == std::string::npos) return uri;
  static const std::set<std::string> known = KnownKeys();
  std::string kept = uri.substr(0, mark);
  char separator = '?';
  const std::string query = uri.substr(mark + 1);
  for (const absl::string_view piece : absl::StrSplit(query, '&', absl::SkipEmpty())) {
    const std::string pair(piece);
    const std::string key = pair.substr(0, pair.find('='));
    std::string wanted;
    if (pair == "ssl=true") {
      wanted = "sslmode=require";  // what the original's driver means by it
    } else if (known.contains(key) && key != "options") {
      wanted = pair;
    }
    if (wanted.empty()) continue;
    kept += separator;
    kept += wanted;
    separator = '&';
  }
  return kept;
}

std::string Quote(const std::string& value) {
  std::string quoted = "'";
  for (const char c : value) {
    if (c == '\'' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "'";
}

}  // namespace

absl::StatusOr<std::string> MakeConninfo(const DatabaseOptions& options) {
  std::map<std::string, std::string> values = {
      {"application_name", options.application_name},
      {"client_encoding", "UTF8"},
      // Trying Kerberos first would cost a round trip, and no installation of the original uses it.
      {"gssencmode", "disable"},
      // A host that is dead acknowledges nothing any more. Data sent to it, retransmissions
      // included, is given up after this long: once one request in a chain of services has found
      // that out, the next must do so within what is left of 2 s. A server that is merely slow
      // still acknowledges.
      {"tcp_user_timeout", "700"},
      {"keepalives_idle", absl::StrCat(absl::ToInt64Seconds(kProbeInterval))},
      {"keepalives_interval", absl::StrCat(absl::ToInt64Seconds(kProbeInterval))},
      {"keepalives_count", "2"},
  };
  if (!options.host.empty()) values["host"] = options.host;
  if (options.port != 0) values["port"] = absl::StrCat(options.port);
  if (!options.user.empty()) values["user"] = options.user;
  if (!options.password.empty() || options.ignore_environment_password) {
    values["password"] = options.password;
  }
  if (!options.dbname.empty()) values["dbname"] = options.dbname;

  if (!options.conninfo.empty()) {
    const std::string text =
        IsUri(options.conninfo) ? DropForeignParameters(options.conninfo) : options.conninfo;
    char* error = nullptr;
    const OptionsPtr parsed(PQconninfoParse(text.c_str(), &error));
    PQfreemem(error);
    if (parsed == nullptr) return BadInput("The PostgreSQL connection URI can't be read");
    for (const PQconninfoOption* option = parsed.get(); option->keyword != nullptr; ++option) {
      if (option->val != nullptr && option->val[0] != '\0') values[option->keyword] = option->val;
    }
  }
  std::string conninfo;
  for (const auto& [key, value] : values) {
    if (value.find('\0') != std::string::npos) {
      return BadInput("A PostgreSQL connection setting holds a NUL character");
    }
    absl::StrAppend(&conninfo, conninfo.empty() ? "" : " ", key, "=", Quote(value));
  }
  return conninfo;
}

}  // namespace gatehouse::db
