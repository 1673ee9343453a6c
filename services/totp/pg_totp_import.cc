// Devices of many users at once, with bulk import.

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "libs/base/status.h"
#include "libs/db/database.h"
#include "services/totp/pg_totp_store.h"

namespace gatehouse::totp {
namespace {

using db::Statement;

// $2 users, with their devices in $3 to $6, $7 now. Users' rows first, in their order. A device
// that is there already with this secret is the one that an earlier attempt has imported.
constexpr Statement kImportUsers = {
    "totp_import_users",
    "INSERT INTO {totp_users} (app_id, user_id) SELECT $1::varchar, u.id"
    " FROM (SELECT DISTINCT id FROM unnest($2::varchar[]) AS g(id)) u ORDER BY u.id"
    " ON CONFLICT DO NOTHING"};
constexpr Statement kLockUsers = {
    "totp_lock_users",
    "SELECT user_id FROM {totp_users} WHERE app_id = $1 AND user_id = ANY($2)"
    " ORDER BY user_id FOR NO KEY UPDATE"};
constexpr Statement kImportDevices = {
    "totp_import_devices",
    "INSERT INTO {totp_user_devices} AS d (app_id, user_id, device_name, secret_key, period, skew,"
    "  verified, created_at)"
    " SELECT $1::varchar, g.id, g.name, g.secret, g.period, g.skew, true, $7::bigint"
    " FROM unnest($2::varchar[], $3::varchar[], $4::varchar[], $5::integer[], $6::integer[])"
    "   AS g(id, name, secret, period, skew) ORDER BY g.id, g.name"
    " ON CONFLICT (app_id, user_id, device_name) DO UPDATE SET secret_key = EXCLUDED.secret_key,"
    "  period = EXCLUDED.period, skew = EXCLUDED.skew, verified = true,"
    "  created_at = EXCLUDED.created_at"
    "  WHERE NOT d.verified OR d.secret_key = EXCLUDED.secret_key"
    " RETURNING d.user_id, d.device_name"};
// The devices of $2 users, $3 names and $4 secrets that kImportDevices refuses.
constexpr Statement kFindTakenNames = {
    "totp_find_taken_names",
    "SELECT g.id, g.name FROM unnest($2::varchar[], $3::varchar[], $4::varchar[])"
    "   AS g(id, name, secret),"
    " LATERAL (SELECT secret_key FROM {totp_user_devices} WHERE app_id = $1::varchar"
    "  AND user_id = g.id AND device_name = g.name AND verified OFFSET 0) d"
    " WHERE d.secret_key <> g.secret"};

// Devices as parameters of a statement.
struct DeviceColumns {
  explicit DeviceColumns(const std::vector<UserDevice>& devices) {
    for (const auto& [user_id, device] : devices) {
      users.values.push_back(user_id);
      names.values.push_back(device.name);
      secrets.values.push_back(device.secret_key);
      periods.values.push_back(std::to_string(device.period_s));
      skews.values.push_back(std::to_string(device.skew));
    }
  }
  db::TextArray users, names, secrets, periods, skews;
};

}  // namespace

absl::StatusOr<std::vector<std::pair<std::string, std::string>>> PgTotpStore::ImportDevices(
    const Where& app, const std::vector<UserDevice>& devices, int64_t now_ms) {
  std::set<std::pair<std::string, std::string>> missing;
  if (devices.empty()) return std::vector<std::pair<std::string, std::string>>();
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*app.tenant));
  const DeviceColumns columns(devices);
  const absl::Status status =
      database->Transact(app.deadline, [&](db::Transaction& transaction) -> absl::Status {
        missing.clear();
        for (const auto& [user_id, device] : devices) missing.emplace(user_id, device.name);
        RETURN_IF_ERROR(transaction.Execute(kImportUsers, {app.app_id(), columns.users}).status());
        ASSIGN_OR_RETURN(const db::Result locked,
                         transaction.Execute(kLockUsers, {app.app_id(), columns.users}));
        ASSIGN_OR_RETURN(
            const db::Result put,
            transaction.Execute(kImportDevices,
                                {app.app_id(), columns.users, columns.names, columns.secrets,
                                 columns.periods, columns.skews, now_ms}));
        for (const db::Row row : put) {
          missing.erase({std::string(row.Text(0)), std::string(row.Text(1))});
        }
        return absl::OkStatus();
      });
  if (db::ViolatesConstraint(status, "totp_users_app_id_fkey")) {
    return tenancy::TenantNotFound(app.tenant->scope());
  }
  RETURN_IF_ERROR(status);
  return std::vector<std::pair<std::string, std::string>>(missing.begin(), missing.end());
}

absl::StatusOr<std::vector<std::pair<std::string, std::string>>> PgTotpStore::FindTakenNames(
    const Where& app, const std::vector<UserDevice>& devices) {
  std::vector<std::pair<std::string, std::string>> taken;
  if (devices.empty()) return taken;
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*app.tenant));
  const DeviceColumns columns(devices);
  ASSIGN_OR_RETURN(const db::Result rows, database->Execute(app.deadline, kFindTakenNames,
                                                            {app.app_id(), columns.users,
                                                             columns.names, columns.secrets}));
  for (const db::Row row : rows) taken.emplace_back(row.Text(0), row.Text(1));
  return taken;
}

}  // namespace gatehouse::totp
