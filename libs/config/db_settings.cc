#include "libs/config/db_settings.h"

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "libs/config/connection_uri.h"
#include "libs/crypto/digest.h"

namespace gatehouse::config {
namespace {

absl::string_view View(std::string_view text) { return {text.data(), text.size()}; }

constexpr std::string_view kModeNames[] = {"LEGACY", "DUAL_WRITE_READ_OLD", "DUAL_WRITE_READ_NEW",
                                           "MIGRATED"};

}  // namespace

std::string_view MigrationModeName(MigrationMode mode) {
  return kModeNames[static_cast<size_t>(mode)];
}

std::optional<MigrationMode> ParseMigrationMode(std::string_view text) {
  for (size_t i = 0; i < std::size(kModeNames); ++i) {
    if (absl::EqualsIgnoreCase(View(kModeNames[i]), View(text))) {
      return static_cast<MigrationMode>(i);
    }
  }
  return std::nullopt;
}

std::string DbSettings::UserPoolId() const {
  return absl::StrCat("|", host, "|", port, "|", database_name, "|", table_schema);
}

std::string DbSettings::ConnectionPoolId() const {
  return absl::StrCat(
      "|", connection_pool_size, "|", user, "|", crypto::Sha256Hex(password), "|",
      connection_attributes, "|", connection_scheme, "|", idle_connection_timeout_ms, "|",
      minimum_idle_connections.has_value() ? absl::StrCat(*minimum_idle_connections) : "", "|",
      View(MigrationModeName(migration_mode)));
}

bool DbSettings::AllowsClearTextPassword() const {
  const auto methods = FindAttribute(connection_attributes, "require_auth");
  if (!methods.has_value()) return false;
  for (const absl::string_view method : absl::StrSplit(*methods, ',')) {
    if (method == "password") return true;
  }
  return false;
}

std::map<std::string, std::string> DbSettings::LibpqOptions() const {
  static constexpr std::string_view kKnown[] = {"sslmode",
                                                "sslcert",
                                                "sslkey",
                                                "sslrootcert",
                                                "sslpassword",
                                                "channel_binding",
                                                "target_session_attrs",
                                                "tcp_user_timeout"};
  std::map<std::string, std::string> options;
  for (absl::string_view pair : absl::StrSplit(connection_attributes, '&')) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(pair, absl::MaxSplits('=', 1));
    // JDBC spells two of them in camel case, and has `ssl` for the strictest mode.
    std::string name(parts.first);
    if (name == "channelBinding") name = "channel_binding";
    if (name == "ssl" && (parts.second.empty() || parts.second == "true")) {
      options.try_emplace("sslmode", "verify-full");
      continue;
    }
    for (std::string_view known : kKnown) {
      if (name == known && !parts.second.empty()) {
        options.insert_or_assign(name, std::string(parts.second));
      }
    }
  }
  return options;
}

bool IsLocalHost(std::string_view host) {
  const absl::string_view name = View(host);
  if (name.empty() || name.front() == '/' || name.front() == '@') return true;
  if (absl::EqualsIgnoreCase(name, "localhost") || name == "::1" || name == "[::1]" ||
      name == "0:0:0:0:0:0:0:1") {
    return true;
  }
  // 127.0.0.0/8, and nothing that merely starts like it (127.evil.example).
  return absl::StartsWith(name, "127.") &&
         name.find_first_not_of("0123456789.") == absl::string_view::npos;
}

}  // namespace gatehouse::config
