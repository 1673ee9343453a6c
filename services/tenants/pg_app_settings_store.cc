#include "services/tenants/pg_app_settings_store.h"

#include "libs/base/status.h"
#include "libs/db/database.h"

namespace gatehouse::tenants {
namespace {

using db::Statement;

// All by key_value_pkey. Settings of an app are stored for its public tenant.
constexpr Statement kGetOrCreate = {
    "app_settings_get_or_create",
    "WITH made AS (INSERT INTO {key_value} (app_id, tenant_id, name, value, created_at_time) "
    "VALUES ($1::varchar, 'public', $2::varchar, $3, $4) ON CONFLICT DO NOTHING RETURNING value) "
    "SELECT value FROM made UNION ALL SELECT value FROM {key_value} "
    "WHERE app_id = $1::varchar AND tenant_id = 'public' AND name = $2::varchar LIMIT 1"};
constexpr Statement kGet = {"app_settings_get",
                            "SELECT value, created_at_time FROM {key_value} "
                            "WHERE app_id = $1 AND tenant_id = 'public' AND name = $2"};
constexpr Statement kSet = {
    "app_settings_set",
    "INSERT INTO {key_value} AS k (app_id, tenant_id, name, value, created_at_time) "
    "VALUES ($1, 'public', $2, $3, $4) ON CONFLICT (app_id, tenant_id, name) "
    "DO UPDATE SET value = EXCLUDED.value, created_at_time = EXCLUDED.created_at_time "
    "WHERE k.value IS DISTINCT FROM EXCLUDED.value"};
constexpr Statement kDelete = {
    "app_settings_delete",
    "DELETE FROM {key_value} WHERE app_id = $1 AND tenant_id = 'public' AND name = $2 "
    "AND ($3::text IS NULL OR value = $3::text)"};

// A concurrent insert that commits between the two halves of kGetOrCreate is invisible to it once.
constexpr int kMaxAttempts = 10;

absl::Status Explain(const absl::Status& status, const tenancy::Tenant& app) {
  return db::ViolatesConstraint(status, "_fkey") ? tenancy::TenantNotFound(app.scope()) : status;
}

}  // namespace

absl::StatusOr<std::string> PgAppSettingsStore::GetOrCreate(absl::Time deadline,
                                                            const tenancy::Tenant& app,
                                                            const std::string& name,
                                                            const std::string& proposed,
                                                            int64_t now_ms) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(app));
  for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
    auto result = database->Execute(deadline, kGetOrCreate, {app.app_id, name, proposed, now_ms});
    if (!result.ok()) return Explain(result.status(), app);
    if (!result->empty()) return std::string(result->front().Text(0));
  }
  return MakeError(ErrorReason::kOverloaded, "Too many changes of one setting at once");
}

absl::StatusOr<std::optional<PgAppSettingsStore::Setting>> PgAppSettingsStore::Get(
    absl::Time deadline, const tenancy::Tenant& app, const std::string& name) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(app));
  ASSIGN_OR_RETURN(db::Result result, database->Execute(deadline, kGet, {app.app_id, name}));
  if (result.empty()) return std::nullopt;
  return Setting{std::string(result.front().Text(0)), result.front().Int64(1)};
}

absl::Status PgAppSettingsStore::Set(absl::Time deadline, const tenancy::Tenant& app,
                                     const std::string& name, const std::string& value,
                                     int64_t now_ms) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(app));
  auto result = database->Execute(deadline, kSet, {app.app_id, name, value, now_ms});
  return Explain(result.status(), app);
}

absl::StatusOr<bool> PgAppSettingsStore::Delete(absl::Time deadline, const tenancy::Tenant& app,
                                                const std::string& name,
                                                const std::optional<std::string>& expected) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(app));
  ASSIGN_OR_RETURN(db::Result result,
                   database->Execute(deadline, kDelete, {app.app_id, name, expected}));
  return result.affected() > 0;
}

}  // namespace gatehouse::tenants
