#include "services/totp/pg_totp_store.h"

#include <algorithm>

#include "libs/base/status.h"
#include "libs/db/database.h"

namespace gatehouse::totp {
namespace {

using db::Statement;

// In all statements: $1 app, $2 user, unless they say otherwise. By the primary keys.

constexpr Statement kLockUser = {
    "totp_lock_user",
    "SELECT user_id FROM {totp_users} WHERE app_id = $1 AND user_id = $2 FOR UPDATE"};

// A foreign key's check comes after the row is made, and waits for nobody that waits for the row.
constexpr Statement kAddUser = {
    "totp_add_user",
    "INSERT INTO {totp_users} (app_id, user_id) VALUES ($1, $2) ON CONFLICT DO NOTHING"};

// $3 tenant. Holds the app and the tenant before the user, since the removal of either removes
// users' rows with it.
constexpr Statement kLockUserInTenant = {
    "totp_lock_user_in_tenant",
    "SELECT u.user_id"
    " FROM {schema}.{~gatehouse_hold_tenants}($1::varchar, ARRAY[$3::varchar]) AS held(app)"
    " JOIN {totp_users} u ON held.app AND u.app_id = $1::varchar AND u.user_id = $2::varchar"
    " FOR NO KEY UPDATE OF u"};

constexpr Statement kListDevices = {
    "totp_list_devices",
    "SELECT device_name, secret_key, period, skew, verified FROM {totp_user_devices}"
    " WHERE app_id = $1 AND user_id = $2"
    " ORDER BY created_at NULLS FIRST, device_name COLLATE \"C\""};

// $3 to $8: the device. A verified one of the name stays.
constexpr Statement kPutDevice = {
    "totp_put_device",
    "INSERT INTO {totp_user_devices} AS d (app_id, user_id, device_name, secret_key, period, skew,"
    "  verified, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
    " ON CONFLICT (app_id, user_id, device_name) DO UPDATE SET secret_key = EXCLUDED.secret_key,"
    "  period = EXCLUDED.period, skew = EXCLUDED.skew, verified = EXCLUDED.verified,"
    "  created_at = EXCLUDED.created_at WHERE NOT d.verified"};

// $3 old name, $4 new one. The sub-select keeps the new name's length from being checked if there
// is no such device.
constexpr Statement kRenameDevice = {
    "totp_rename_device",
    "WITH held AS (SELECT user_id FROM {totp_users} WHERE app_id = $1::varchar"
    "  AND user_id = $2::varchar FOR NO KEY UPDATE)"
    " UPDATE {totp_user_devices} d SET device_name = (SELECT $4::varchar) FROM held"
    " WHERE d.app_id = $1::varchar AND d.user_id = held.user_id AND d.device_name = $3::varchar"};

// $3 name.
constexpr Statement kRemoveDevice = {
    "totp_remove_device",
    "DELETE FROM {totp_user_devices} WHERE app_id = $1 AND user_id = $2 AND device_name = $3"};

// $3 name.
constexpr Statement kMarkVerified = {"totp_mark_verified",
                                     "UPDATE {totp_user_devices} SET verified = true"
                                     " WHERE app_id = $1 AND user_id = $2 AND device_name = $3"};

constexpr Statement kHasDevice = {
    "totp_has_device",
    "SELECT EXISTS (SELECT 1 FROM {totp_user_devices} WHERE app_id = $1 AND user_id = $2)"};

// $2 users.
constexpr Statement kListStatus = {"totp_list_status",
                                   "SELECT user_id, bool_or(verified) FROM {totp_user_devices}"
                                   " WHERE app_id = $1 AND user_id = " GATEHOUSE_ANY("$2", "varchar") " GROUP BY user_id"};

// Codes by totp_used_codes_user_id_index.
constexpr Statement kForgetIdleUser = {
    "totp_forget_idle_user",
    "DELETE FROM {totp_users} u WHERE u.app_id = $1 AND u.user_id = $2"
    " AND NOT EXISTS (SELECT 1 FROM {totp_user_devices} d WHERE d.app_id = u.app_id"
    "  AND d.user_id = u.user_id)"
    " AND NOT EXISTS (SELECT 1 FROM {totp_used_codes} c WHERE c.app_id = u.app_id"
    "  AND c.user_id = u.user_id)"};

// Devices and codes go by foreign keys.
constexpr Statement kRemoveUser = {"totp_remove_user",
                                   "DELETE FROM {totp_users} WHERE app_id = $1 AND user_id = $2"};

constexpr Statement kFindUser = {
    "totp_find_user", "SELECT user_id FROM {totp_users} WHERE app_id = $1 AND user_id = $2"};

// By totp_used_codes_user_id_index.
constexpr Statement kTenantsOfCodes = {
    "totp_tenants_of_codes",
    "SELECT DISTINCT tenant_id FROM {totp_used_codes} WHERE app_id = $1 AND user_id = $2"};

// $2 tenants.
constexpr Statement kHoldTenants = {
    "totp_hold_tenants", "SELECT {schema}.{~gatehouse_hold_tenants}($1::varchar, $2::varchar[])"};

// $3 tenant, $4 how many.
constexpr Statement kNewestCodes = {"totp_newest_codes",
                                    "SELECT is_valid, created_time_ms FROM {totp_used_codes}"
                                    " WHERE app_id = $1 AND tenant_id = $3 AND user_id = $2"
                                    " ORDER BY created_time_ms DESC LIMIT $4"};

// The user's codes in tenant $3 by totp_used_codes_user_id_index: in all tenants they are few.
// While statistics are old, an index that begins with the tenant looks as good, and is not.
#define GATEHOUSE_USERS_CODES_SQL                                                                 \
  "{totp_used_codes} WHERE app_id = $1::varchar AND user_id = $2::varchar AND tenant_id || '' = " \
  "$3"

// $4 code, $5 matches, $6 expires, $7 now. Later than all others, so that instances whose clocks
// differ agree on the order, and no two attempts have one key.
constexpr Statement kAddCode = {
    "totp_add_code",
    "WITH known AS MATERIALIZED (SELECT code, is_valid, expiry_time_ms, created_time_ms"
    "  FROM " GATEHOUSE_USERS_CODES_SQL
    "::varchar)"
    " INSERT INTO {totp_used_codes} (app_id, tenant_id, user_id, code, is_valid, expiry_time_ms,"
    "  created_time_ms)"
    " SELECT $1::varchar, $3::varchar, $2::varchar, $4::varchar, $5::boolean AND NOT EXISTS ("
    "   SELECT 1 FROM known WHERE code = $4::varchar AND is_valid"
    "    AND expiry_time_ms > $7::bigint),"
    "  $6::bigint, GREATEST($7::bigint, 1 + (SELECT max(created_time_ms) FROM known))"
    " RETURNING is_valid"};

constexpr Statement kRemoveCodes = {"totp_remove_codes",
                                    "DELETE FROM " GATEHOUSE_USERS_CODES_SQL "::varchar"};

std::vector<Device> ReadDevices(const db::Result& rows) {
  std::vector<Device> devices;
  devices.reserve(rows.rows());
  for (const db::Row row : rows) {
    devices.push_back({.name = std::string(row.Text(0)),
                       .secret_key = std::string(row.Text(1)),
                       .period_s = static_cast<int32_t>(row.Int64(2)),
                       .skew = static_cast<int32_t>(row.Int64(3)),
                       .verified = row.Bool(4)});
  }
  return devices;
}

std::vector<std::string> FirstColumn(const db::Result& rows) {
  std::vector<std::string> texts;
  for (const db::Row row : rows) texts.emplace_back(row.Text(0));
  return texts;
}

absl::Status NotFoundIfGone(const Where& where, absl::Status status) {
  if (db::ViolatesConstraint(status, "totp_users_app_id_fkey") ||
      db::ViolatesConstraint(status, "totp_used_codes_tenant_id_fkey")) {
    return tenancy::TenantNotFound(where.tenant->scope());
  }
  return status;
}

// Locks the user's row, and makes it first if there is none.
absl::Status LockOrAddUser(db::Transaction& transaction, const db::Params& user) {
  ASSIGN_OR_RETURN(const db::Result known, transaction.Execute(kLockUser, user));
  if (!known.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const db::Result added, transaction.Execute(kAddUser, user));
  // Otherwise another request has made it meanwhile.
  return added.affected() > 0 ? absl::OkStatus() : db::RetryTransaction();
}

absl::StatusOr<std::optional<bool>> TryIn(db::Transaction& transaction, const Where& tenant,
                                          std::string_view user_id, int max_codes,
                                          PgTotpStore::Judge judge) {
  const db::Params user = {tenant.app_id(), user_id};
  const db::Params user_in_tenant = {tenant.app_id(), user_id, tenant.tenant_id()};
  // Each a statement of its own: what another attempt has committed while the lock was waited for
  // must be seen.
  ASSIGN_OR_RETURN(const db::Result locked, transaction.Execute(kLockUserInTenant, user_in_tenant));
  KnownUser known;
  if (!locked.empty()) {
    ASSIGN_OR_RETURN(const db::Result devices, transaction.Execute(kListDevices, user));
    known.devices = ReadDevices(devices);
  }
  if (!known.devices.empty()) {
    ASSIGN_OR_RETURN(const db::Result codes,
                     transaction.Execute(kNewestCodes, db::Params(user_in_tenant).Add(max_codes)));
    for (const db::Row row : codes) known.newest_codes.push_back({row.Bool(0), row.Int64(1)});
  }
  ASSIGN_OR_RETURN(const std::optional<Attempt> attempt, judge(known));
  if (!attempt.has_value()) return std::nullopt;
  const absl::StatusOr<db::Result> added =
      transaction.Execute(kAddCode, {tenant.app_id(), user_id, tenant.tenant_id(), attempt->code,
                                     attempt->matches, attempt->expires_at_ms, attempt->now_ms});
  // Only a core of the original adds codes without the lock.
  if (db::ViolatesConstraint(added.status(), "_pkey")) return db::RetryTransaction();
  RETURN_IF_ERROR(added.status());
  const bool accepted = added->front().Bool(0);
  if (accepted && !attempt->verifies_device.empty()) {
    RETURN_IF_ERROR(
        transaction.Execute(kMarkVerified, {tenant.app_id(), user_id, attempt->verifies_device})
            .status());
  }
  return accepted;
}

absl::Status RemoveUserIn(db::Transaction& transaction, const Where& app,
                          std::string_view user_id) {
  const db::Params user = {app.app_id(), user_id};
  ASSIGN_OR_RETURN(const db::Result before, transaction.Execute(kTenantsOfCodes, user));
  const std::vector<std::string> held = FirstColumn(before);
  RETURN_IF_ERROR(transaction.Execute(kHoldTenants, {app.app_id(), db::TextArray{held}}).status());
  RETURN_IF_ERROR(transaction.Execute(kLockUser, user).status());
  ASSIGN_OR_RETURN(const db::Result now, transaction.Execute(kTenantsOfCodes, user));
  for (const std::string& tenant : FirstColumn(now)) {
    // A code was used there since.
    if (std::find(held.begin(), held.end(), tenant) == held.end()) return db::RetryTransaction();
  }
  return transaction.Execute(kRemoveUser, user).status();
}

}  // namespace

absl::StatusOr<std::optional<Device>> PgTotpStore::CreateDevice(const Where& app,
                                                                std::string_view user_id,
                                                                int64_t now_ms, Choose choose) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*app.tenant));
  const db::Params user = {app.app_id(), user_id};
  std::optional<Device> device;
  const absl::Status status =
      database->Transact(app.deadline, [&](db::Transaction& transaction) -> absl::Status {
        RETURN_IF_ERROR(LockOrAddUser(transaction, user));
        ASSIGN_OR_RETURN(const db::Result existing, transaction.Execute(kListDevices, user));
        ASSIGN_OR_RETURN(device, choose(ReadDevices(existing)));
        if (!device.has_value()) return absl::OkStatus();
        ASSIGN_OR_RETURN(const db::Result put,
                         transaction.Execute(kPutDevice, {app.app_id(), user_id, device->name,
                                                          device->secret_key, device->period_s,
                                                          device->skew, device->verified, now_ms}));
        if (put.affected() == 0) device.reset();
        return absl::OkStatus();
      });
  RETURN_IF_ERROR(NotFoundIfGone(app, status));
  return device;
}

absl::StatusOr<PgTotpStore::Renamed> PgTotpStore::RenameDevice(const Where& app,
                                                               std::string_view user_id,
                                                               std::string_view from,
                                                               std::string_view to) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*app.tenant));
  const absl::StatusOr<db::Result> result =
      database->Execute(app.deadline, kRenameDevice, {app.app_id(), user_id, from, to});
  if (db::ViolatesConstraint(result.status(), "_pkey")) return Renamed::kNameTaken;
  RETURN_IF_ERROR(result.status());
  return result->affected() > 0 ? Renamed::kDone : Renamed::kUnknownDevice;
}

absl::StatusOr<std::vector<Device>> PgTotpStore::ListDevices(const Where& app,
                                                             std::string_view user_id) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*app.tenant));
  ASSIGN_OR_RETURN(const db::Result rows,
                   database->Execute(app.deadline, kListDevices, {app.app_id(), user_id}));
  return ReadDevices(rows);
}

absl::StatusOr<bool> PgTotpStore::RemoveDevice(const Where& app, std::string_view user_id,
                                               std::string_view name) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*app.tenant));
  const db::Params user = {app.app_id(), user_id};
  bool existed = false;
  RETURN_IF_ERROR(
      database->Transact(app.deadline, [&](db::Transaction& transaction) -> absl::Status {
        RETURN_IF_ERROR(transaction.Execute(kLockUser, user).status());
        ASSIGN_OR_RETURN(const db::Result removed,
                         transaction.Execute(kRemoveDevice, db::Params(user).Add(name)));
        existed = removed.affected() > 0;
        if (!existed) return absl::OkStatus();
        return transaction.Execute(kForgetIdleUser, user).status();
      }));
  return existed;
}

absl::StatusOr<std::vector<DeviceStatus>> PgTotpStore::ListStatus(
    const Where& app, const std::vector<std::string>& user_ids) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*app.tenant));
  ASSIGN_OR_RETURN(
      const db::Result rows,
      database->Execute(app.deadline, kListStatus, {app.app_id(), db::TextArray{user_ids}}));
  std::vector<DeviceStatus> users;
  users.reserve(rows.rows());
  for (const db::Row row : rows) users.push_back({std::string(row.Text(0)), row.Bool(1)});
  return users;
}

absl::Status PgTotpStore::RemoveUser(const Where& app, std::string_view user_id) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*app.tenant));
  // Nearly nobody of those that are removed has devices.
  ASSIGN_OR_RETURN(const db::Result known,
                   database->Execute(app.deadline, kFindUser, {app.app_id(), user_id}));
  if (known.empty()) return absl::OkStatus();
  return database->Transact(app.deadline, [&](db::Transaction& transaction) {
    return RemoveUserIn(transaction, app, user_id);
  });
}

absl::StatusOr<bool> PgTotpStore::HasDevice(const Where& app, std::string_view user_id) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*app.tenant));
  ASSIGN_OR_RETURN(const db::Result result,
                   database->Execute(app.deadline, kHasDevice, {app.app_id(), user_id}));
  return result.front().Bool(0);
}

absl::StatusOr<std::optional<bool>> PgTotpStore::TryCode(const Where& tenant,
                                                         std::string_view user_id, int max_codes,
                                                         Judge judge) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*tenant.tenant));
  std::optional<bool> accepted;
  const absl::Status status =
      database->Transact(tenant.deadline, [&](db::Transaction& transaction) -> absl::Status {
        ASSIGN_OR_RETURN(accepted, TryIn(transaction, tenant, user_id, max_codes, judge));
        return absl::OkStatus();
      });
  RETURN_IF_ERROR(NotFoundIfGone(tenant, status));
  return accepted;
}

absl::StatusOr<bool> PgTotpStore::RemoveCodes(const Where& tenant, std::string_view user_id) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*tenant.tenant));
  const db::Params user = {tenant.app_id(), user_id};
  ASSIGN_OR_RETURN(const db::Result known, database->Execute(tenant.deadline, kFindUser, user));
  if (known.empty()) return false;
  const db::Params user_in_tenant = db::Params(user).Add(tenant.tenant_id());
  bool existed = false;
  RETURN_IF_ERROR(
      database->Transact(tenant.deadline, [&](db::Transaction& transaction) -> absl::Status {
        RETURN_IF_ERROR(transaction.Execute(kLockUserInTenant, user_in_tenant).status());
        ASSIGN_OR_RETURN(const db::Result removed,
                         transaction.Execute(kRemoveCodes, user_in_tenant));
        existed = removed.affected() > 0;
        return transaction.Execute(kForgetIdleUser, user).status();
      }));
  return existed;
}

}  // namespace gatehouse::totp
