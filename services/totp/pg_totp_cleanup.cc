#include "services/totp/pg_totp_cleanup.h"

#include <set>
#include <string>

#include "libs/base/status.h"
#include "libs/db/database.h"
#include "libs/host/each_database.h"
#include "libs/tenancy/tenant_databases.h"
#include "libs/tenancy/tenant_directory.h"

namespace gatehouse::totp {
namespace {

// A few milliseconds of work, so that no row stays locked for long.
constexpr int64_t kBatch = 500;

// $3: codes that expired before it. By totp_used_codes_expiry_time_ms_index. What a request has
// locked is left for the next run.
constexpr db::Statement kDeleteExpired = {
    "totp_delete_expired_codes",
    "DELETE FROM {totp_used_codes} WHERE ctid = ANY(ARRAY(SELECT ctid FROM {totp_used_codes}"
    " WHERE app_id = $1 AND tenant_id = $2 AND expiry_time_ms < $3"
    " ORDER BY expiry_time_ms LIMIT $4 FOR UPDATE SKIP LOCKED)) RETURNING user_id"};

// $2 users. Codes by totp_used_codes_user_id_index.
#define GATEHOUSE_IDLE_USERS_SQL                                                   \
  " FROM {totp_users} u WHERE u.app_id = $1 AND u.user_id = " GATEHOUSE_ANY("$2", "varchar")               \
  " AND NOT EXISTS (SELECT 1 FROM {totp_user_devices} d WHERE d.app_id = u.app_id" \
  "  AND d.user_id = u.user_id)"                                                   \
  " AND NOT EXISTS (SELECT 1 FROM {totp_used_codes} c WHERE c.app_id = u.app_id"   \
  "  AND c.user_id = u.user_id)"
constexpr db::Statement kLockIdleUsers = {"totp_lock_idle_users",
                                          "SELECT u.user_id" GATEHOUSE_IDLE_USERS_SQL
                                          " FOR UPDATE OF u SKIP LOCKED"};
// Checks again: a device may have been added before the user was locked.
constexpr db::Statement kForgetIdleUsers = {"totp_forget_idle_users",
                                            "DELETE" GATEHOUSE_IDLE_USERS_SQL};

absl::StatusOr<bool> DeleteBatch(db::Transaction& transaction, const tenancy::Tenant& tenant,
                                 int64_t expired_before_ms) {
  ASSIGN_OR_RETURN(const db::Result deleted,
                   transaction.Execute(kDeleteExpired, {tenant.app_id, tenant.tenant_id,
                                                        expired_before_ms, kBatch}));
  if (deleted.empty()) return false;
  std::set<std::string> users;
  for (const db::Row row : deleted) users.emplace(row.Text(0));
  ASSIGN_OR_RETURN(
      const db::Result idle,
      transaction.Execute(kLockIdleUsers,
                          {tenant.app_id, db::TextArray{{users.begin(), users.end()}}}));
  if (!idle.empty()) {
    db::TextArray locked;
    for (const db::Row row : idle) locked.values.emplace_back(row.Text(0));
    RETURN_IF_ERROR(transaction.Execute(kForgetIdleUsers, {tenant.app_id, locked}).status());
  }
  return deleted.rows() == kBatch;
}

}  // namespace

absl::Status DeleteExpiredCodes(tenancy::TenantDirectory& directory,
                                tenancy::TenantDatabases& databases, const Clock& clock,
                                absl::Time deadline) {
  return host::CleanUpTenants(directory, databases, "totp_delete_expired_codes", deadline,
                              [&](db::Transaction& transaction, const tenancy::Tenant& tenant) {
                                // Until then failures count, as the original has it.
                                const int64_t expired_before_ms =
                                    clock.NowMs() - tenant.config->totp_rate_limit_cooldown_ms();
                                return DeleteBatch(transaction, tenant, expired_before_ms);
                              });
}

}  // namespace gatehouse::totp
