#include "services/passwordless/pg_device_cleanup.h"

#include <string>
#include <vector>

#include "libs/base/status.h"
#include "libs/db/database.h"
#include "libs/host/each_database.h"
#include "libs/tenancy/tenant_databases.h"
#include "libs/tenancy/tenant_directory.h"

namespace gatehouse::passwordless {
namespace {

// A few milliseconds of work, so that no row stays locked for long.
constexpr int64_t kBatch = 500;

// $3: codes created before it are expired. By passwordless_codes_created_at_index and
// passwordless_codes_device_id_hash_index. A device locked by a request is left for the next run.
constexpr db::Statement kLockExpired = {
    "passwordless_lock_expired_devices",
    "SELECT d.device_id_hash FROM {passwordless_devices} d"
    " WHERE d.app_id = $1::varchar AND d.tenant_id = $2::varchar"
    "  AND EXISTS (SELECT 1 FROM {passwordless_codes} c WHERE c.app_id = d.app_id"
    "   AND c.tenant_id = d.tenant_id AND c.device_id_hash = d.device_id_hash"
    "   AND c.created_at < $3::bigint)"
    "  AND NOT EXISTS (SELECT 1 FROM {passwordless_codes} c WHERE c.app_id = d.app_id"
    "   AND c.tenant_id = d.tenant_id AND c.device_id_hash = d.device_id_hash"
    "   AND c.created_at >= $3::bigint)"
    " LIMIT $4 FOR UPDATE SKIP LOCKED"};

// Checks again: a code may have been added before the device was locked.
constexpr db::Statement kDeleteLocked = {
    "passwordless_delete_expired_devices",
    "DELETE FROM {passwordless_devices} d WHERE d.app_id = $1::varchar"
    " AND d.tenant_id = $2::varchar AND d.device_id_hash = ANY($4)"
    " AND NOT EXISTS (SELECT 1 FROM {passwordless_codes} c WHERE c.app_id = d.app_id"
    "  AND c.tenant_id = d.tenant_id AND c.device_id_hash = d.device_id_hash"
    "  AND c.created_at >= $3::bigint)"};

absl::StatusOr<bool> DeleteBatch(db::Transaction& transaction, const tenancy::Tenant& tenant,
                                 int64_t oldest_valid_ms) {
  ASSIGN_OR_RETURN(const db::Result expired,
                   transaction.Execute(kLockExpired, {tenant.app_id, tenant.tenant_id,
                                                      oldest_valid_ms, kBatch}));
  if (expired.empty()) return false;
  db::TextArray devices;
  for (const db::Row row : expired) devices.values.emplace_back(row.Trimmed(0));
  RETURN_IF_ERROR(transaction
                      .Execute(kDeleteLocked,
                               {tenant.app_id, tenant.tenant_id, oldest_valid_ms, devices})
                      .status());
  return expired.rows() == kBatch;
}

}  // namespace

absl::Status DeleteExpiredDevices(tenancy::TenantDirectory& directory,
                                  tenancy::TenantDatabases& databases, const Clock& clock,
                                  absl::Time deadline) {
  return host::CleanUpTenants(directory, databases, "passwordless_delete_expired_devices", deadline,
                              [&](db::Transaction& transaction, const tenancy::Tenant& tenant) {
                                const int64_t oldest_valid_ms =
                                    clock.NowMs() - tenant.config->passwordless_code_lifetime_ms();
                                return DeleteBatch(transaction, tenant, oldest_valid_ms);
                              });
}

}  // namespace gatehouse::passwordless
