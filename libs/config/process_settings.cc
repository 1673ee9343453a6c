// The table of Gatehouse's own keys.

#include "libs/base/service_table.h"
#include "libs/config/process_config.h"

namespace gatehouse::config {
namespace {

constexpr SettingType kText = SettingType::kString;
constexpr SettingType kInt = SettingType::kInt;
constexpr SettingType kLong = SettingType::kLong;
constexpr SettingType kBool = SettingType::kBoolean;

constexpr ProcessSetting kSettings[] = {
    {"gatehouse_data_dir", kText, "", 0, 0, false,
     "Directory of the embedded PostgreSQL, created at the first start; unset: /var/lib/gatehouse "
     "for root, else gatehouse in $XDG_DATA_HOME or ~/.local/share."},
    {"gatehouse_ephemeral", kBool, "false", 0, 0, false,
     "Discard the embedded PostgreSQL's data at exit."},
    {"gatehouse_embedded_postgres_bin", kText, "", 0, 0, false,
     "Directory of initdb and postgres for the embedded PostgreSQL; unset: where they usually "
     "are."},
    {"gatehouse_test_mode", kBool, "false", 0, 0, false,
     "Lifts limits, for test suites. Refused with anything that looks like production."},
    {"gatehouse_admin_host", kText, "127.0.0.1", 0, 0, false,
     "Address of /livez, /readyz and /metrics."},
    {"gatehouse_admin_port", kInt, "3568", 0, 65535, false,
     "Port of /livez, /readyz and /metrics; 0 for none."},
    {"gatehouse_log_format", kText, "auto", 0, 0, false,
     "json, text, or auto: text on a terminal, else JSON."},
    {"gatehouse_http_threads", kInt, "0", 0, 1024, false,
     "Threads that read and write HTTP; 0: one per processor."},
    {"gatehouse_max_connections", kInt, "10000", 1, 1000000, false,
     "Client connections at once; more are answered 503. Fewer if the limit on open files does "
     "not allow as many."},
    {"gatehouse_max_connections_per_peer", kInt, "0", 0, 1000000, false,
     "Of these, connections of one address (of one /64 with IPv6); 0: half of them. Connections of "
     "the same machine are not limited."},
    {"gatehouse_trusted_proxies", kText, "", 0, 0, false,
     "Networks of proxies in front, such as 10.0.0.0/8, fd00::/8. For requests that come "
     "from there, the client's address, to which IP rules apply, is taken from X-Forwarded-For or "
     "Forwarded. Unset: the peer of the connection is the client."},
    {"gatehouse_max_body_bytes", kLong, "10485760", 1024, 1073741824, false,
     "Largest request body."},
    {"gatehouse_request_timeout_ms", kLong, "30000", 100, 3600000, false,
     "Time that a request may take in all, passed on to services and PostgreSQL."},
    {"gatehouse_drain_timeout_ms", kLong, "20000", 0, 600000, false,
     "Time from SIGTERM to the end: requests in flight, last writes, everything."},
    {"gatehouse_shutdown_delay_ms", kLong, "3000", 0, 600000, false,
     "Time after SIGTERM in which connections are still accepted while /readyz reports not "
     "ready, so that balancers stop sending; within gatehouse_drain_timeout_ms."},
    {"bulk_migration_cron_enabled", kText, "true", 0, 0, false,
     "Whether this process imports users that wait (POST /bulk-import/users); anything but true: "
     "it leaves them to others."},
    {"gatehouse_saml_leniencies", kText, "", 0, 0, false,
     "What responses of every SAML client's identity provider may lack, beside what the client "
     "itself allows: of ANY_REQUEST, ANY_DESTINATION, WEAK_ALGORITHMS, CLOCK_DRIFT, with commas."},
    {"gatehouse_saml_public_url", kText, "", 0, 0, false,
     "Where browsers find this REST interface, such as https://login.example.com/core: for SAML "
     "clients that are asked by the POST binding, of /recipe/saml/login/form only."},
    {"gatehouse_internal_secret", kText, "", 0, 0, true,
     "Secret from which processes make certificates for mutual TLS between them; at least 32 "
     "random characters. It is never sent."},
    {"gatehouse_tls_cert_file", kText, "", 0, 0, false,
     "Certificate for connections between processes (PEM)."},
    {"gatehouse_tls_key_file", kText, "", 0, 0, false, "Its private key (PEM)."},
    {"gatehouse_tls_ca_file", kText, "", 0, 0, false,
     "Authorities whose certificates other processes must show (PEM)."},
    {"gatehouse_<service>_address", kText, "", 0, 0, false,
     "Where the service listens and is found: host:port or unix:/path. Unset: in this process."},
    {"gatehouse_<service>_database_user", kText, "", 0, 0, false,
     "Database role of this service; unset: postgresql_user."},
    {"gatehouse_<service>_database_password", kText, "", 0, 0, true, "Password of that role."},
    {"gatehouse_pool_size_<service>", kInt, "0", 0, 10000, false,
     "Database connections of this service; 0: postgresql_connection_pool_size."},
};

}  // namespace

std::span<const std::string_view> ServiceNames() {
  static const auto* const names = [] {
    auto* all = new std::vector<std::string_view>;
    for (const ServiceRow& row : ServiceTable()) {
      if (!row.planned) all->push_back(row.name);
    }
    all->push_back("gateway");
    return all;
  }();
  return *names;
}

std::span<const ProcessSetting> ProcessSettings() { return kSettings; }

}  // namespace gatehouse::config
