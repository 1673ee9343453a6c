#include "services/passwordless/pg_device_store.h"

#include <algorithm>

#include "libs/base/status.h"
#include "libs/db/database.h"

namespace gatehouse::passwordless {
namespace {

using db::Statement;
using Result = CodeTryOutcome::Result;

// In all statements: $1 app, $2 tenant. The primary keys and passwordless_codes_link_code_hash_key
// decide.
constexpr Statement kCreateDevice = {
    "passwordless_create_device",
    "WITH device AS (INSERT INTO {passwordless_devices} (app_id, tenant_id, device_id_hash, email,"
    "   phone_number, link_code_salt, failed_attempts)"
    "  VALUES ($1::varchar, $2::varchar, $3::bpchar, $4, $5, $6, 0)"
    "  RETURNING app_id, tenant_id, device_id_hash)"
    " INSERT INTO {passwordless_codes} (app_id, tenant_id, code_id, device_id_hash,"
    "  link_code_hash, created_at)"
    " SELECT app_id, tenant_id, $7::bpchar, device_id_hash, $8::bpchar, $9::bigint FROM device"};

// The newest stay. By passwordless_codes_device_id_hash_index.
constexpr Statement kRemoveOldCodes = {
    "passwordless_remove_old_codes",
    "DELETE FROM {passwordless_codes} WHERE app_id = $1 AND tenant_id = $2 AND code_id IN ("
    " SELECT code_id FROM {passwordless_codes}"
    "  WHERE app_id = $1 AND tenant_id = $2 AND device_id_hash = $3"
    "  ORDER BY code_id = $4 DESC, created_at DESC, code_id OFFSET $5)"};

constexpr Statement kAddCode = {
    "passwordless_add_code",
    "INSERT INTO {passwordless_codes} (app_id, tenant_id, code_id, device_id_hash,"
    " link_code_hash, created_at) VALUES ($1, $2, $3, $4, $5, $6)"};

// By passwordless_devices_pkey.
#define GATEHOUSE_DEVICE_SQL                                                                  \
  "SELECT device_id_hash, link_code_salt, email, phone_number, failed_attempts"               \
  " FROM {passwordless_devices} WHERE app_id = $1 AND tenant_id = $2 AND device_id_hash = $3"
constexpr Statement kFindDevice = {"passwordless_find_device", GATEHOUSE_DEVICE_SQL};
constexpr Statement kLockDevice = {"passwordless_lock_device", GATEHOUSE_DEVICE_SQL " FOR UPDATE"};

// By passwordless_codes_link_code_hash_key.
constexpr Statement kFindCode = {
    "passwordless_find_code",
    "SELECT code_id, device_id_hash, link_code_hash, created_at FROM {passwordless_codes}"
    " WHERE app_id = $1 AND tenant_id = $2 AND link_code_hash = $3"};

constexpr Statement kCountAttempt = {
    "passwordless_count_attempt",
    "UPDATE {passwordless_devices} SET failed_attempts = failed_attempts + 1"
    " WHERE app_id = $1 AND tenant_id = $2 AND device_id_hash = $3"};

// Codes are deleted with their device, by a foreign key.
constexpr Statement kRemoveDevice = {
    "passwordless_remove_device",
    "DELETE FROM {passwordless_devices}"
    " WHERE app_id = $1 AND tenant_id = $2 AND device_id_hash = $3"};

// By passwordless_codes_pkey.
constexpr Statement kDeviceOfCode = {
    "passwordless_device_of_code",
    "SELECT device_id_hash FROM {passwordless_codes}"
    " WHERE app_id = $1 AND tenant_id = $2 AND code_id = $3"};
constexpr Statement kRemoveCode = {
    "passwordless_remove_code",
    "DELETE FROM {passwordless_codes} WHERE app_id = $1 AND tenant_id = $2 AND code_id = $3"};
// By passwordless_codes_device_id_hash_index.
constexpr Statement kRemoveDeviceWithoutCodes = {
    "passwordless_remove_device_without_codes",
    "DELETE FROM {passwordless_devices} d WHERE d.app_id = $1 AND d.tenant_id = $2"
    " AND d.device_id_hash = $3 AND NOT EXISTS (SELECT 1 FROM {passwordless_codes} c"
    "  WHERE c.app_id = d.app_id AND c.tenant_id = d.tenant_id"
    "   AND c.device_id_hash = d.device_id_hash)"};

// $2 tenants: locked, so that a removal of one, which locks its devices in any order, waits.
// Devices are then locked in the order of their key.
constexpr Statement kHoldTenants = {
    "passwordless_hold_tenants",
    "SELECT {schema}.{~gatehouse_hold_tenants}($1::varchar, $2::varchar[])"};

// $2 tenants. By passwordless_devices_email_index and passwordless_devices_phone_number_index.
#define GATEHOUSE_LOCK_DEVICES_SQL(CONTACT)                      \
  "SELECT tenant_id, device_id_hash FROM {passwordless_devices}" \
  " WHERE app_id = $1 AND tenant_id = " GATEHOUSE_ANY("$2", "varchar") " AND " CONTACT      \
  " = $3"                                                        \
  " ORDER BY tenant_id, device_id_hash FOR UPDATE"
constexpr Statement kLockByEmail = {"passwordless_lock_by_email",
                                    GATEHOUSE_LOCK_DEVICES_SQL("email")};
constexpr Statement kLockByPhoneNumber = {"passwordless_lock_by_phone_number",
                                          GATEHOUSE_LOCK_DEVICES_SQL("phone_number")};

// $2 tenants and $3 devices, by position.
constexpr Statement kRemoveDevices = {
    "passwordless_remove_devices",
    "DELETE FROM {passwordless_devices} d USING unnest((SELECT $2::varchar[]), (SELECT $3::bpchar[]))"
    "  AS locked(tenant_id, device_id_hash)"
    " WHERE d.app_id = $1::varchar AND d.tenant_id = locked.tenant_id"
    "  AND d.device_id_hash = locked.device_id_hash"};

// A row for each code; a device has at least one. Indexes as named above.
#define GATEHOUSE_LIST_DEVICES_SQL                                                            \
  "SELECT d.device_id_hash, d.link_code_salt, d.email, d.phone_number, d.failed_attempts,"    \
  " c.code_id, c.link_code_hash, c.created_at,"                                               \
  " min(c.created_at) OVER (PARTITION BY d.device_id_hash) AS device_since"                   \
  " FROM {passwordless_devices} d LEFT JOIN {passwordless_codes} c ON c.app_id = d.app_id"    \
  "  AND c.tenant_id = d.tenant_id AND c.device_id_hash = d.device_id_hash"                   \
  " WHERE d.app_id = $1 AND d.tenant_id = $2 AND "
#define GATEHOUSE_DEVICE_ORDER_SQL \
  " ORDER BY device_since, d.device_id_hash, c.created_at, c.code_id"
constexpr Statement kListByEmail = {
    "passwordless_list_by_email",
    GATEHOUSE_LIST_DEVICES_SQL "d.email = $3" GATEHOUSE_DEVICE_ORDER_SQL};
constexpr Statement kListByPhoneNumber = {
    "passwordless_list_by_phone_number",
    GATEHOUSE_LIST_DEVICES_SQL "d.phone_number = $3" GATEHOUSE_DEVICE_ORDER_SQL};
constexpr Statement kListById = {
    "passwordless_list_by_id",
    GATEHOUSE_LIST_DEVICES_SQL "d.device_id_hash = $3" GATEHOUSE_DEVICE_ORDER_SQL};

// The first five columns of a device's row.
LoginDevice ReadDevice(const db::Row& row) {
  LoginDevice device;
  device.id_hash = std::string(row.Trimmed(0));
  device.link_code_salt = std::string(row.Trimmed(1));
  device.contact.is_email = !row.IsNull(2);
  device.contact.value = std::string(row.Text(device.contact.is_email ? 2 : 3));
  device.failed_attempts = static_cast<int>(row.Int64(4));
  return device;
}

LoginCode ReadCode(const db::Row& row) {
  return {std::string(row.Trimmed(0)), std::string(row.Trimmed(1)), std::string(row.Trimmed(2)),
          row.Int64(3)};
}

absl::Status TenantGone(const Where& where, absl::Status status) {
  if (!db::ViolatesConstraint(status, "_tenant_id_fkey")) return status;
  return tenancy::TenantNotFound(where.tenant->scope());
}

absl::StatusOr<CodeTryOutcome> TryIn(db::Transaction& transaction, const Where& where,
                                     const CodeTry& attempt) {
  const std::string &app = where.app_id(), &tenant = where.tenant_id();
  const db::Params device_key = {app, tenant, attempt.device_id_hash};
  ASSIGN_OR_RETURN(const db::Result devices, transaction.Execute(kLockDevice, device_key));
  CodeTryOutcome outcome;
  if (devices.empty()) return outcome;
  outcome.device = ReadDevice(devices.front());
  outcome.failed_attempts = outcome.device.failed_attempts;
  if (outcome.failed_attempts >= attempt.max_attempts) {  // the limit was lowered since
    RETURN_IF_ERROR(transaction.Execute(kRemoveDevice, device_key).status());
    return outcome;
  }
  ASSIGN_OR_RETURN(const db::Result codes,
                   transaction.Execute(kFindCode, {app, tenant, attempt.link_code_hash}));
  const bool known = !codes.empty();
  if (known && ReadCode(codes.front()).created_at_ms >= attempt.oldest_valid_ms) {
    outcome.code = ReadCode(codes.front());
    outcome.result = Result::kRight;
    return outcome;
  }
  if (!attempt.counts_as_attempt) return outcome;
  ++outcome.failed_attempts;
  if (outcome.failed_attempts >= attempt.max_attempts) {
    RETURN_IF_ERROR(transaction.Execute(kRemoveDevice, device_key).status());
    return outcome;
  }
  RETURN_IF_ERROR(transaction.Execute(kCountAttempt, device_key).status());
  outcome.result = known ? Result::kExpired : Result::kWrong;
  return outcome;
}

// The devices of a contact that a transaction holds.
struct LockedDevices {
  db::TextArray tenants, ids;  // by position

  bool Contains(std::string_view id) const {
    return std::find(ids.values.begin(), ids.values.end(), id) != ids.values.end();
  }
};

absl::StatusOr<LockedDevices> LockDevicesOf(db::Transaction& transaction, const Where& where,
                                            const std::vector<std::string>& tenant_ids,
                                            const ContactInfo& contact) {
  const db::TextArray tenants{tenant_ids};
  RETURN_IF_ERROR(transaction.Execute(kHoldTenants, {where.app_id(), tenants}).status());
  ASSIGN_OR_RETURN(const db::Result rows,
                   transaction.Execute(contact.is_email ? kLockByEmail : kLockByPhoneNumber,
                                       {where.app_id(), tenants, contact.value}));
  LockedDevices locked;
  for (const db::Row row : rows) {
    locked.tenants.values.emplace_back(row.Text(0));
    locked.ids.values.emplace_back(row.Trimmed(1));
  }
  return locked;
}

absl::Status Remove(db::Transaction& transaction, const Where& where,
                    const LockedDevices& devices) {
  if (devices.ids.values.empty()) return absl::OkStatus();
  return transaction.Execute(kRemoveDevices, {where.app_id(), devices.tenants, devices.ids})
      .status();
}

absl::StatusOr<std::vector<DeviceWithCodes>> List(db::Database& database, const Where& where,
                                                  const Statement& statement,
                                                  std::string_view key) {
  ASSIGN_OR_RETURN(
      const db::Result rows,
      database.Execute(where.deadline, statement, {where.app_id(), where.tenant_id(), key}));
  std::vector<DeviceWithCodes> devices;
  for (const db::Row row : rows) {
    if (devices.empty() || devices.back().device.id_hash != row.Trimmed(0)) {
      devices.push_back({ReadDevice(row), {}});
    }
    if (row.IsNull(5)) continue;
    devices.back().codes.push_back({std::string(row.Trimmed(5)), devices.back().device.id_hash,
                                    std::string(row.Trimmed(6)), row.Int64(7)});
  }
  return devices;
}

}  // namespace

absl::StatusOr<bool> PgDeviceStore::CreateDevice(const Where& where, const LoginDevice& device,
                                                 const LoginCode& code) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*where.tenant));
  std::optional<std::string> email, phone_number;
  (device.contact.is_email ? email : phone_number) = device.contact.value;
  const absl::Status status =
      database
          ->Execute(where.deadline, kCreateDevice,
                    {where.app_id(), where.tenant_id(), device.id_hash, email, phone_number,
                     device.link_code_salt, code.id, code.link_code_hash, code.created_at_ms})
          .status();
  if (db::ViolatedConstraint(status).has_value() && absl::IsAlreadyExists(status)) return false;
  RETURN_IF_ERROR(TenantGone(where, status));
  return true;
}

absl::StatusOr<AddCodeOutcome> PgDeviceStore::AddCode(const Where& where, const LoginCode& code,
                                                      int max_codes) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*where.tenant));
  const std::string &app = where.app_id(), &tenant = where.tenant_id();
  AddCodeOutcome outcome = AddCodeOutcome::kAdded;
  const absl::Status status =
      database->Transact(where.deadline, [&](db::Transaction& transaction) -> absl::Status {
        outcome = AddCodeOutcome::kAdded;
        // Locked first, so that concurrent additions never exceed the limit.
        const db::Params device_key = {app, tenant, code.device_id_hash};
        ASSIGN_OR_RETURN(const db::Result device, transaction.Execute(kLockDevice, device_key));
        if (device.empty()) {
          outcome = AddCodeOutcome::kUnknownDevice;
          return absl::OkStatus();
        }
        RETURN_IF_ERROR(transaction
                            .Execute(kAddCode, {app, tenant, code.id, code.device_id_hash,
                                                code.link_code_hash, code.created_at_ms})
                            .status());
        return transaction
            .Execute(kRemoveOldCodes, {app, tenant, code.device_id_hash, code.id, max_codes})
            .status();
      });
  if (db::ViolatesConstraint(status, "_link_code_hash_key")) {
    return AddCodeOutcome::kDuplicateLinkCode;
  }
  if (db::ViolatesConstraint(status, "_pkey")) return AddCodeOutcome::kDuplicateId;
  RETURN_IF_ERROR(status);
  return outcome;
}

absl::StatusOr<std::optional<LoginDevice>> PgDeviceStore::FindDevice(const Where& where,
                                                                     std::string_view id_hash) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*where.tenant));
  ASSIGN_OR_RETURN(
      const db::Result rows,
      database->Execute(where.deadline, kFindDevice, {where.app_id(), where.tenant_id(), id_hash}));
  if (rows.empty()) return std::nullopt;
  return ReadDevice(rows.front());
}

absl::StatusOr<std::optional<LoginCode>> PgDeviceStore::FindCode(const Where& where,
                                                                 std::string_view link_code_hash) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*where.tenant));
  ASSIGN_OR_RETURN(const db::Result rows,
                   database->Execute(where.deadline, kFindCode,
                                     {where.app_id(), where.tenant_id(), link_code_hash}));
  if (rows.empty()) return std::nullopt;
  return ReadCode(rows.front());
}

absl::StatusOr<CodeTryOutcome> PgDeviceStore::TryCode(const Where& where, const CodeTry& attempt) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*where.tenant));
  CodeTryOutcome outcome;
  RETURN_IF_ERROR(
      database->Transact(where.deadline, [&](db::Transaction& transaction) -> absl::Status {
        ASSIGN_OR_RETURN(outcome, TryIn(transaction, where, attempt));
        return absl::OkStatus();
      }));
  return outcome;
}

absl::StatusOr<bool> PgDeviceStore::UseUp(const Where& where, const LoginDevice& device,
                                          std::string_view link_code_hash) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*where.tenant));
  const std::string &app = where.app_id(), &tenant = where.tenant_id();
  bool used = false;
  RETURN_IF_ERROR(
      database->Transact(where.deadline, [&](db::Transaction& transaction) -> absl::Status {
        used = false;
        ASSIGN_OR_RETURN(const LockedDevices devices,
                         LockDevicesOf(transaction, where, {tenant}, device.contact));
        if (!devices.Contains(device.id_hash)) return absl::OkStatus();
        ASSIGN_OR_RETURN(const db::Result codes,
                         transaction.Execute(kFindCode, {app, tenant, link_code_hash}));
        if (codes.empty()) return absl::OkStatus();
        used = true;
        return Remove(transaction, where, devices);
      }));
  return used;
}

absl::Status PgDeviceStore::RemoveCode(const Where& where, std::string_view code_id) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*where.tenant));
  const std::string &app = where.app_id(), &tenant = where.tenant_id();
  return database->Transact(where.deadline, [&](db::Transaction& transaction) -> absl::Status {
    ASSIGN_OR_RETURN(const db::Result found,
                     transaction.Execute(kDeviceOfCode, {app, tenant, code_id}));
    if (found.empty()) return absl::OkStatus();
    // Locked first, so that one of two concurrent removals sees that no code is left.
    const db::Params device_key = {app, tenant, found.front().Trimmed(0)};
    RETURN_IF_ERROR(transaction.Execute(kLockDevice, device_key).status());
    RETURN_IF_ERROR(transaction.Execute(kRemoveCode, {app, tenant, code_id}).status());
    return transaction.Execute(kRemoveDeviceWithoutCodes, device_key).status();
  });
}

absl::Status PgDeviceStore::RemoveDevice(const Where& where, std::string_view id_hash) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*where.tenant));
  return database
      ->Execute(where.deadline, kRemoveDevice, {where.app_id(), where.tenant_id(), id_hash})
      .status();
}

absl::Status PgDeviceStore::RemoveDevicesOf(const Where& where,
                                            const std::vector<std::string>& tenant_ids,
                                            const ContactInfo& contact) {
  if (tenant_ids.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*where.tenant));
  return database->Transact(where.deadline, [&](db::Transaction& transaction) -> absl::Status {
    ASSIGN_OR_RETURN(const LockedDevices devices,
                     LockDevicesOf(transaction, where, tenant_ids, contact));
    return Remove(transaction, where, devices);
  });
}

absl::StatusOr<std::vector<DeviceWithCodes>> PgDeviceStore::ListOf(const Where& where,
                                                                   const ContactInfo& contact) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*where.tenant));
  return List(*database, where, contact.is_email ? kListByEmail : kListByPhoneNumber,
              contact.value);
}

absl::StatusOr<std::vector<DeviceWithCodes>> PgDeviceStore::ListById(const Where& where,
                                                                     std::string_view id_hash) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*where.tenant));
  return List(*database, where, kListById, id_hash);
}

}  // namespace gatehouse::passwordless
