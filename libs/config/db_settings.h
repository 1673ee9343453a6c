#pragma once

// The location of a tenant's tables, and how to reach them.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace gatehouse::config {

// How far an installation is from the original's old user tables to the registry (formats: 11.4).
enum class MigrationMode { kLegacy, kDualWriteReadOld, kDualWriteReadNew, kMigrated };
// "LEGACY", "DUAL_WRITE_READ_OLD", "DUAL_WRITE_READ_NEW", "MIGRATED".
std::string_view MigrationModeName(MigrationMode mode);
// Any case; nullopt for anything else.
std::optional<MigrationMode> ParseMigrationMode(std::string_view text);

// Resolved: the parts of postgresql_connection_uri have overridden the single keys. A plain value;
// holds a password, so it is never logged whole.
struct DbSettings {
  // Whether a connection URI, user or password was given. False: nothing names a PostgreSQL, so the
  // all-in-one program starts its own.
  bool configured = false;
  std::string host = "localhost";  // a name, an address, or the directory of a Unix socket
  int port = 5432;
  std::string database_name = "supertokens";
  std::string user;
  std::string password;
  std::string table_schema = "public";
  std::string table_names_prefix;  // without the "_" that follows it
  // Base name (`session_info`) to whole name without schema, for the seven tables that may have
  // one.
  std::map<std::string, std::string> custom_table_names;
  std::string connection_attributes = "allowPublicKeyRetrieval=true";  // as JDBC has them
  std::string connection_scheme = "postgresql";
  int connection_pool_size = 10;
  int64_t idle_connection_timeout_ms = 60000;
  std::optional<int> minimum_idle_connections;
  MigrationMode migration_mode = MigrationMode::kMigrated;

  // Identifies the database: `|host|port|database|schema`. Equal ids hold the same tables.
  std::string UserPoolId() const;
  // Identifies how it is reached. Tenants with the same two ids share one pool of connections.
  // Contains the SHA-256 of the password, not the password.
  std::string ConnectionPoolId() const;
  // Whether the password may be sent in clear text over an unencrypted connection: `password` is
  // among the methods of the attribute `require_auth`.
  bool AllowsClearTextPassword() const;
  // The attributes that libpq knows too, by libpq's names, such as {"sslmode", "require"}.
  std::map<std::string, std::string> LibpqOptions() const;
};

// Whether `host` is this machine: a Unix socket's directory, localhost or a loopback address.
bool IsLocalHost(std::string_view host);

}  // namespace gatehouse::config
