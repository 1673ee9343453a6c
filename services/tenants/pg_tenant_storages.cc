#include "services/tenants/pg_tenant_storages.h"

#include <algorithm>

#include "libs/base/elapsed.h"
#include "libs/base/may_block.h"
#include "libs/base/problem.h"
#include "libs/base/status.h"
#include "libs/base/steady_time.h"
#include "libs/db/database.h"
#include "libs/db/older_core/upgrade.h"
#include "services/tenants/pg_tenant_change.h"

namespace gatehouse::tenants {
namespace {

// How old an answer about a database may be, and how long to wait for one.
constexpr int64_t kHealthMs = 1000;
constexpr absl::Duration kHealthTimeout = absl::Seconds(1);

absl::Status Unusable() {
  return BadInput(Problem::kCoreConfig,
                  "Invalid core config: the database that the configuration names can't be used");
}

}  // namespace

absl::Status PgTenantStorages::Prepare(absl::Time deadline, const tenancy::Tenant& tenant,
                                       int64_t now_ms) {
  if (tenant.storage_id.empty()) return absl::OkStatus();
  absl::StatusOr<db::Database*> database = databases_.Of(tenant);
  if (!database.ok()) return Unusable();
  bool migrated;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    migrated = migrated_.contains(tenant.storage_id);
  }
  if (!migrated) {
    if (!db::UpdateRecentTables(**database, deadline).ok()) return Unusable();
    std::lock_guard<std::mutex> lock(mutex_);
    migrated_.insert(tenant.storage_id);
  }
  return AddTenantRows(**database, deadline, tenant.scope(), now_ms);
}

absl::Status PgTenantStorages::Remove(absl::Time deadline, const tenancy::Tenant& tenant) {
  if (tenant.storage_id.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(tenant));
  return RemoveTenantRows(*database, deadline, tenant.scope());
}

absl::Status PgTenantStorages::Check(absl::Time deadline, const tenancy::Tenant& tenant) {
  std::shared_ptr<Health> health;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    std::shared_ptr<Health>& slot = health_[tenant.storage_id];
    if (slot == nullptr) slot = std::make_shared<Health>();
    health = slot;
  }
  {
    std::lock_guard<std::mutex> lock(health->mutex);
    const bool known = health->checked_at_ms != 0;
    const bool fresh = !Elapsed(health->checked_at_ms, clock_.NowMs(), kHealthMs);
    // While one caller asks, the others don't queue up behind it.
    if (known && (fresh || health->asking)) return health->status;
    if (!MayBlock()) return WouldBlock();
    health->asking = true;
  }
  absl::StatusOr<db::Database*> database = databases_.Of(tenant);
  absl::Status status = database.status();
  if (database.ok()) {
    status = (*database)->Ping(std::min(deadline, SteadyNow() + kHealthTimeout));
    // Too busy to answer is not down.
    if (ReasonOf(status) == ErrorReason::kOverloaded) status = absl::OkStatus();
  }
  std::lock_guard<std::mutex> lock(health->mutex);
  health->asking = false;
  health->checked_at_ms = clock_.NowMs();
  health->status = status;
  return status;
}

}  // namespace gatehouse::tenants
