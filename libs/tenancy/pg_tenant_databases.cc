#include "libs/tenancy/pg_tenant_databases.h"

#include "libs/base/status.h"
#include "libs/base/steady_time.h"
#include "libs/base/strings.h"
#include "libs/config/connection_uri.h"

namespace gatehouse::tenancy {
namespace {

// Requests and jobs end long before that: see their deadlines.
constexpr absl::Duration kLongestUse = absl::Minutes(30);

// Adds the counters that only grow.
void AddTotals(const db::DatabaseStats& from, db::DatabaseStats& to) {
  to.statements += from.statements;
  to.round_trips += from.round_trips;
  to.connects += from.connects;
  to.connect_failures += from.connect_failures;
  to.wait_timeouts += from.wait_timeouts;
  to.statement_timeouts += from.statement_timeouts;
  to.refused += from.refused;
  to.retries += from.retries;
}

// key='value' with quotes and backslashes escaped, as libpq reads it.
std::string ConninfoOf(const config::DbSettings& settings) {
  std::string conninfo;
  for (const auto& [key, value] : settings.LibpqOptions()) {
    if (!conninfo.empty()) conninfo += ' ';
    conninfo += StrCat(key, "='");
    for (const char c : value) {
      if (c == '\'' || c == '\\') conninfo += '\\';
      conninfo += c;
    }
    conninfo += '\'';
  }
  return conninfo;
}

// JDBC prepares a statement by name once it has run this often. Installations of the original
// behind a pooler that shares sessions set 0, never; any other number means that there is no such
// pooler.
db::DatabaseOptions::Sessions SessionsOf(const config::DbSettings& settings) {
  using Sessions = db::DatabaseOptions::Sessions;
  const auto threshold = config::FindAttribute(settings.connection_attributes, "prepareThreshold");
  if (!threshold.has_value()) return Sessions::kDetect;
  return *threshold == "0" ? Sessions::kShared : Sessions::kOwn;
}

}  // namespace

absl::StatusOr<db::DatabaseOptions> MakeDatabaseOptions(const config::DbSettings& settings,
                                                        std::string application_name) {
  db::DatabaseOptions options;
  options.conninfo = ConninfoOf(settings);
  options.host = settings.host;
  options.port = settings.port;
  options.user = settings.user;
  options.password = settings.password;
  options.allow_clear_text_password = settings.AllowsClearTextPassword();
  options.dbname = settings.database_name;
  ASSIGN_OR_RETURN(options.tables,
                   db::TableNames::Create(settings.table_schema, settings.table_names_prefix,
                                          settings.custom_table_names));
  options.application_name = std::move(application_name);
  options.pool_size = settings.connection_pool_size;
  options.min_idle = settings.minimum_idle_connections.value_or(0);
  options.idle_timeout = absl::Milliseconds(settings.idle_connection_timeout_ms);
  options.sessions = SessionsOf(settings);
  return options;
}

absl::StatusOr<db::DatabaseOptions> OverlayDatabaseOptions(const db::DatabaseOptions& base_options,
                                                           const config::DbSettings& base,
                                                           const config::DbSettings& tenant) {
  ASSIGN_OR_RETURN(db::DatabaseOptions own,
                   MakeDatabaseOptions(tenant, base_options.application_name));
  db::DatabaseOptions options = base_options;
  options.tables = own.tables;
  if (tenant.host != base.host) options.host = own.host;
  if (tenant.port != base.port) options.port = own.port;
  if (tenant.database_name != base.database_name) options.dbname = own.dbname;
  if (tenant.LibpqOptions() != base.LibpqOptions()) options.conninfo = own.conninfo;
  options.allow_clear_text_password = own.allow_clear_text_password;
  const bool same_server = tenant.host == base.host && tenant.port == base.port &&
                           tenant.LibpqOptions() == base.LibpqOptions();
  // A service's role belongs to the base server: elsewhere the tenant's credentials apply, even if
  // they are spelled like the base's.
  if (!same_server || tenant.user != base.user) options.user = own.user;
  if (!same_server || tenant.password != base.password) options.password = own.password;
  options.ignore_environment_password = !same_server;
  if (tenant.connection_attributes != base.connection_attributes) options.sessions = own.sessions;
  if (tenant.connection_pool_size != base.connection_pool_size) {
    options.pool_size = own.pool_size;
  }
  if (tenant.minimum_idle_connections != base.minimum_idle_connections) {
    options.min_idle = own.min_idle;
  }
  if (tenant.idle_connection_timeout_ms != base.idle_connection_timeout_ms) {
    options.idle_timeout = own.idle_timeout;
  }
  return options;
}

PgTenantDatabases::PgTenantDatabases(std::shared_ptr<db::Database> base,
                                     config::DbSettings base_settings)
    : base_(std::move(base)), base_settings_(std::move(base_settings)) {}

absl::StatusOr<db::Database*> PgTenantDatabases::Of(const Tenant& tenant) {
  if (tenant.storage_id.empty()) return base_.get();
  std::lock_guard<std::mutex> lock(mutex_);
  auto found = databases_.find(tenant.storage_id);
  if (found == databases_.end()) {
    // Creating a Database opens no connection, so it may be done under the lock.
    ASSIGN_OR_RETURN(db::DatabaseOptions options,
                     OverlayDatabaseOptions(base_->options(), base_settings_, tenant.config->db()));
    ASSIGN_OR_RETURN(std::unique_ptr<db::Database> database,
                     db::Database::Create(std::move(options)));
    found = databases_.emplace(tenant.storage_id, std::move(database)).first;
  }
  return found->second.get();
}

PgTenantDatabases::OwnStats PgTenantDatabases::StatsOfTenants() {
  std::lock_guard<std::mutex> lock(mutex_);
  OwnStats own;
  own.sum = gone_;
  const auto add = [&own](const db::DatabaseStats& stats) {
    AddTotals(stats, own.sum);
    own.sum.in_use += stats.in_use;
    own.sum.idle += stats.idle;
    own.sum.waiting += stats.waiting;
  };
  for (const auto& [storage_id, database] : databases_) add(database->stats());
  for (const Retired& retired : retired_) add(retired.database->stats());
  own.pools = static_cast<int>(databases_.size() + retired_.size());
  return own;
}

std::vector<std::shared_ptr<db::Database>> PgTenantDatabases::Pools() {
  std::vector<std::shared_ptr<db::Database>> pools = {base_};
  std::lock_guard<std::mutex> lock(mutex_);
  for (const auto& [storage_id, database] : databases_) pools.push_back(database);
  return pools;
}

void PgTenantDatabases::KeepOnly(const std::set<std::string>& storage_ids) {
  std::vector<Retired> ended;  // destroyed outside the lock: that waits for connections to close
  const absl::Time now = SteadyNow();
  std::lock_guard<std::mutex> lock(mutex_);
  for (auto it = databases_.begin(); it != databases_.end();) {
    if (storage_ids.contains(it->first)) {
      ++it;
      continue;
    }
    it->second->Retire();
    retired_.push_back({std::move(it->second), now});
    it = databases_.erase(it);
  }
  while (!retired_.empty() && now - retired_.front().since > kLongestUse) {
    AddTotals(retired_.front().database->stats(), gone_);
    ended.push_back(std::move(retired_.front()));
    retired_.erase(retired_.begin());
  }
}

}  // namespace gatehouse::tenancy
