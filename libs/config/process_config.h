#pragma once

// The configuration of one process: config.yaml, overridden by the environment, overridden by the
// command line, checked whole before anything opens.

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/config/core_config.h"
#include "libs/config/networks.h"

namespace gatehouse::config {

enum class LogLevel { kDebug, kInfo, kWarn, kError, kNone };
// kAuto: text for people at a terminal, else JSON.
enum class LogFormat { kAuto, kJson, kText };

// The processes of a split suite, by their configuration names: "tenants" ... "gateway".
std::span<const std::string_view> ServiceNames();

// The settings per service, gatehouse_<service>_*.
struct ServiceSettings {
  // Where the service listens and is found: "host:port" or "unix:/path". Empty: in this process.
  std::string address;
  // A database role of its own; empty: the one of postgresql_user.
  std::string database_user;
  std::string database_password;
  int pool_size = 0;  // connections; 0: postgresql_connection_pool_size
};

struct ProcessConfig {
  std::string yaml_path;                    // absolute, of config.yaml; empty: there is none
  BaseConfig base;                          // under every tenant's configuration
  std::shared_ptr<const CoreConfig> core;   // `base` resolved: the base tenant's configuration

  std::string host;  // of the REST API
  int port = 3567;
  std::string data_dir;    // of the embedded PostgreSQL; empty: process::DefaultDataDir
  bool ephemeral = false;  // discard the data at exit
  bool test_mode = false;
  std::string embedded_postgres_bin;  // directory of initdb and postgres; empty: look for it

  std::string admin_host = "127.0.0.1";
  int admin_port = 3568;  // livez, readyz, metrics; 0: off
  LogLevel log_level = LogLevel::kInfo;
  LogFormat log_format = LogFormat::kAuto;

  std::map<std::string, ServiceSettings, std::less<>> services;  // a row per ServiceNames()
  std::string internal_secret;  // shared between processes; empty: none
  std::string tls_cert_file;    // between processes, PEM: all three or none
  std::string tls_key_file;
  std::string tls_ca_file;

  int http_threads = 0;  // 0: one per processor
  int max_connections = 10000;
  int max_connections_per_peer = 0;  // 0: half of max_connections
  Networks trusted_proxies;          // whose claim of the client's address counts
  int64_t max_body_bytes = 10 * 1024 * 1024;
  int64_t request_timeout_ms = 30000;
  int64_t drain_timeout_ms = 20000;
  int64_t shutdown_delay_ms = 3000;  // part of drain_timeout_ms
  bool bulk_migration_cron_enabled = true;
  std::vector<std::string> saml_leniencies;  // as in the REST interface
  std::string saml_public_url;               // without a slash at its end; empty: none

  // Oddities that are no errors, such as an unknown key: for the log.
  std::vector<std::string> warnings;

  const ServiceSettings& service(std::string_view name) const;
  // Whether any service runs outside this process.
  bool split() const;
};

struct ConfigProblem {
  std::string key;
  std::string text;  // holds no secret
};

struct ConfigReport {
  ProcessConfig config;  // complete only when there are no problems
  std::vector<ConfigProblem> problems;
};

struct ConfigSources {
  std::string yaml_path;                           // empty: no file
  bool yaml_wins = false;                          // over the environment
  std::map<std::string, std::string> environment;  // see CurrentEnvironment()
  std::map<std::string, std::string> overrides;    // by key, such as {"port", "3567"}
};

std::map<std::string, std::string> CurrentEnvironment();

// Reads and checks everything, and reports every problem with its key.
//
// Test mode (gatehouse_test_mode, GATEHOUSE_TEST_MODE or --test-mode) lifts limits that protect
// sessions, so it is refused with anything that looks like production: a PostgreSQL that is not on
// this machine (loopback or a Unix socket), a host that is neither loopback nor a wildcard address,
// a SaaS secret or supertokens_saas_load_only_cud, or a migration_mode other than MIGRATED, which
// means that an original core runs alongside.
ConfigReport CheckProcessConfig(const ConfigSources& sources);

// The same; problems become one InvalidArgument with a line `<key>: <text>` for each.
absl::StatusOr<ProcessConfig> LoadProcessConfig(const ConfigSources& sources);

// A key of Gatehouse's own, for --check-config and the documentation. `<service>` in a name stands
// for each of ServiceNames(). The environment variable is the name in upper case.
struct ProcessSetting {
  std::string_view name;
  SettingType type;
  std::string_view default_text;
  double min = 0, max = 0;  // of numbers
  bool secret = false;      // may come from <name>_file
  std::string_view description;
};
std::span<const ProcessSetting> ProcessSettings();

}  // namespace gatehouse::config
