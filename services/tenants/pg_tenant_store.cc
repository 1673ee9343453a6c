#include "services/tenants/pg_tenant_store.h"

#include <array>
#include <cstdint>
#include <random>

#include "libs/base/hex.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/db/database.h"
#include "libs/tenancy/tenant_directory.h"
#include "services/tenants/pg_tenant_change.h"
#include "services/tenants/pg_tenant_rows.h"

namespace gatehouse::tenants {
namespace {

using db::Statement;

// As GATEHOUSE_TENANT_COLUMNS, for many tenants: joined, because a subselect for each of thousands
// is estimated to cost so much that PostgreSQL compiles the statement, for seconds. Indexes:
// tenant_configs_pkey, and those of the factor tables' tenant ids.
#define GATEHOUSE_TENANTS_SQL                                                          \
  "SELECT c.connection_uri_domain, c.app_id, c.tenant_id, c.core_config, "             \
  "c.email_password_enabled, c.third_party_enabled, c.passwordless_enabled, "          \
  "c.is_first_factors_null, ff.ids, rf.ids, t.created_at_time, i.incarnation "         \
  "FROM {tenant_configs} c "                                                           \
  "LEFT JOIN (SELECT connection_uri_domain, app_id, tenant_id, "                       \
  " string_agg(factor_id, ',' ORDER BY factor_id) AS ids FROM {tenant_first_factors} " \
  " GROUP BY connection_uri_domain, app_id, tenant_id) ff "                            \
  " ON ff.connection_uri_domain = c.connection_uri_domain AND ff.app_id = c.app_id "   \
  " AND ff.tenant_id = c.tenant_id "                                                   \
  "LEFT JOIN (SELECT connection_uri_domain, app_id, tenant_id, "                       \
  " string_agg(factor_id, ',' ORDER BY ctid) AS ids "                                  \
  " FROM {tenant_required_secondary_factors} "                                         \
  " GROUP BY connection_uri_domain, app_id, tenant_id) rf "                            \
  " ON rf.connection_uri_domain = c.connection_uri_domain AND rf.app_id = c.app_id "   \
  " AND rf.tenant_id = c.tenant_id "                                                   \
  "LEFT JOIN {tenants} t ON t.app_id = c.app_id AND t.tenant_id = c.tenant_id "        \
  " AND c.connection_uri_domain = '' "                                                 \
  "LEFT JOIN {gatehouse_tenant_incarnations} i "                                       \
  " ON i.connection_uri_domain = c.connection_uri_domain AND i.app_id = c.app_id "     \
  " AND i.tenant_id = c.tenant_id "

constexpr Statement kAll = {"tenants_all", GATEHOUSE_TENANTS_SQL
                            "ORDER BY c.connection_uri_domain, c.app_id, c.tenant_id"};
constexpr Statement kListApp = {
    "tenants_list_app", GATEHOUSE_TENANTS_SQL
    "WHERE c.connection_uri_domain = $1 AND c.app_id = $2 ORDER BY c.tenant_id"};
constexpr Statement kListDomain = {
    "tenants_list_domain", GATEHOUSE_TENANTS_SQL
    "WHERE c.connection_uri_domain = $1 ORDER BY c.app_id, c.tenant_id"};

// Index: tenant_thirdparty_providers_pkey and ..._clients_pkey.
constexpr Statement kListProviders = {
    "tenants_list_providers",
    "SELECT p.connection_uri_domain, p.app_id, p.tenant_id, " GATEHOUSE_PROVIDER_COLUMNS
    "FROM {tenant_thirdparty_providers} p "
    "WHERE ($1::varchar IS NULL OR p.connection_uri_domain = $1) "
    "AND ($2::varchar IS NULL OR p.app_id = $2) AND ($3::varchar IS NULL OR p.tenant_id = $3) "
    "ORDER BY p.third_party_id"};

constexpr Statement kInsertBase = {
    "tenants_insert_base",
    "INSERT INTO {tenant_configs} (connection_uri_domain, app_id, tenant_id, core_config, "
    "email_password_enabled, passwordless_enabled, third_party_enabled, is_first_factors_null) "
    "VALUES ('', 'public', 'public', '{}', TRUE, TRUE, TRUE, TRUE) ON CONFLICT DO NOTHING"};
// Changes of one app wait for each other; those of other apps don't. The second key is the one that
// a SuperTokens core alongside us locks when it overwrites the app's public tenant.
constexpr Statement kLockApp = {
    "tenants_lock_app",
    "SELECT pg_advisory_xact_lock_shared(hashtext('gatehouse-domain~' || $1::text)), "
    "pg_advisory_xact_lock(hashtext($1::text || '~' || $2::text || '~public'))"};
constexpr Statement kLockDomain = {
    "tenants_lock_domain",
    "SELECT pg_advisory_xact_lock(hashtext('gatehouse-domain~' || $1::text))"};
constexpr Statement kNotify = {"tenants_notify", "SELECT pg_notify($1, $2)"};

// The same in every process, whatever its build.
uint64_t Fnv1a(std::string_view text) {
  uint64_t hash = 14695981039346656037u;
  for (const unsigned char c : text) hash = (hash ^ c) * 1099511628211u;
  return hash;
}

uint64_t RandomNumber() {
  std::random_device device;
  return (static_cast<uint64_t>(device()) << 32) | device();
}

}  // namespace

PgTenantStore::PgTenantStore(db::Database& database)
    : database_(database),
      channel_(StrCat("gatehouse_tenants_",
                      HexOf(Fnv1a(StrCat(database.tables().schema(), ".",
                                         database.tables().Bare("tenant_configs")))))),
      instance_(HexOf(RandomNumber())) {}

absl::Status PgTenantStore::EnsureBaseTenant(absl::Time deadline, int64_t now_ms) {
  RETURN_IF_ERROR(AddTenantRows(database_, deadline, tenancy::MakeScope("", "", ""), now_ms));
  return database_.Execute(deadline, kInsertBase).status();
}

absl::StatusOr<std::vector<v1::Tenant>> PgTenantStore::GetMany(
    absl::Time deadline, const std::vector<common::v1::Scope>& scopes) {
  db::TextArray domains, app_ids, tenant_ids;
  for (const common::v1::Scope& scope : scopes) {
    domains.values.push_back(scope.connection_uri_domain());
    app_ids.values.push_back(scope.app_id());
    tenant_ids.values.push_back(scope.tenant_id());
  }
  ASSIGN_OR_RETURN(db::Result result,
                   database_.Execute(deadline, kGetTenants, {domains, app_ids, tenant_ids}));
  std::vector<v1::Tenant> tenants;
  for (const db::Row row : result) tenants.push_back(ReadTenant(row));
  return tenants;
}

absl::StatusOr<std::vector<v1::TenantWithProviders>> PgTenantStore::List(absl::Time deadline,
                                                                         const Filter& filter) {
  absl::StatusOr<db::Result> rows;
  if (filter.tenant_id.has_value()) {
    rows = database_.Execute(deadline, kGetTenant,
                             {*filter.domain, *filter.app_id, *filter.tenant_id});
  } else if (filter.app_id.has_value()) {
    rows = database_.Execute(deadline, kListApp, {*filter.domain, *filter.app_id});
  } else if (filter.domain.has_value()) {
    rows = database_.Execute(deadline, kListDomain, {*filter.domain});
  } else {
    rows = database_.Execute(deadline, kAll);
  }
  if (!rows.ok()) return rows.status();
  std::vector<v1::TenantWithProviders> tenants;
  if (rows->empty()) return tenants;

  std::map<std::array<std::string, 3>, size_t> places;
  for (const db::Row row : *rows) {
    v1::TenantWithProviders& tenant = tenants.emplace_back();
    *tenant.mutable_tenant() = ReadTenant(row);
    const common::v1::Scope& scope = tenant.tenant().scope();
    places[{scope.connection_uri_domain(), scope.app_id(), scope.tenant_id()}] = tenants.size() - 1;
  }
  ASSIGN_OR_RETURN(db::Result providers,
                   database_.Execute(deadline, kListProviders,
                                     {filter.domain, filter.app_id, filter.tenant_id}));
  for (const db::Row row : providers) {
    auto place =
        places.find({std::string(row.Text(0)), std::string(row.Text(1)), std::string(row.Text(2))});
    if (place == places.end()) continue;
    *tenants[place->second].add_third_party_providers() = ReadProvider(row, 3);
  }
  return tenants;
}

absl::Status PgTenantStore::Change(absl::Time deadline, const common::v1::Scope& scope,
                                   bool whole_domain,
                                   absl::FunctionRef<absl::Status(PgTenantChange&)> body) {
  const std::string payload = StrCat(instance_, "\n", scope.connection_uri_domain(), "\n",
                                     scope.app_id(), "\n", scope.tenant_id());
  return database_.Transact(deadline, [&](db::Transaction& transaction) -> absl::Status {
    if (whole_domain) {
      RETURN_IF_ERROR(transaction.Execute(kLockDomain, {scope.connection_uri_domain()}).status());
    } else {
      RETURN_IF_ERROR(
          transaction.Execute(kLockApp, {scope.connection_uri_domain(), scope.app_id()}).status());
    }
    PgTenantChange change(transaction);
    RETURN_IF_ERROR(body(change));
    return transaction.Execute(kNotify, {channel_, payload}).status();
  });
}

absl::StatusOr<std::unique_ptr<db::Subscription>> PgTenantStore::Listen(
    std::function<void(const common::v1::Scope&)> changed, std::function<void()> resynchronise) {
  return database_.Listen(
      channel_, [this, changed = std::move(changed),
                 resynchronise = std::move(resynchronise)](const db::Notification& notification) {
        if (notification.resynchronise) {
          resynchronise();
          return;
        }
        std::array<std::string_view, 4> parts;
        std::string_view rest = notification.payload;
        for (std::string_view& part : parts) {
          const size_t end = rest.find('\n');
          part = rest.substr(0, end);
          rest = end == std::string_view::npos ? "" : rest.substr(end + 1);
        }
        if (parts[0] == instance_ || parts[2].empty() || parts[3].empty()) return;
        changed(tenancy::MakeScope(parts[1], parts[2], parts[3]));
      });
}

}  // namespace gatehouse::tenants
