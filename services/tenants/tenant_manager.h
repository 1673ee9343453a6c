#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gatehouse/tenants/v1/tenants_service.pb.h"
#include "libs/base/clock.h"
#include "libs/base/timed_mutex.h"
#include "services/tenants/catalogue.h"
#include "services/tenants/pg_tenant_storages.h"
#include "services/tenants/pg_tenant_store.h"

namespace gatehouse::tenants {

// Creates, changes and removes tenants: combines rules, rows, databases and the catalogue.
// Thread-safe. A change is in the database first and in the catalogue before the call returns.
class TenantManager {
 public:
  // Arguments outlive it.
  TenantManager(PgTenantStore& store, PgTenantStorages& storages, Catalogue& catalogue,
                const Clock& clock)
      : store_(store), storages_(storages), catalogue_(catalogue), clock_(clock) {}

  // True when the target is new.
  absl::StatusOr<bool> Upsert(absl::Time deadline, const v1::UpsertTenantRequest& request);
  // Whether there was one. With `prevent_protected`, FORBIDDEN when it has protected settings: a
  // caller that may remove it could create it again without them. `source`, here and in the other
  // requests, is where the request was made: the tenant that its stamp names must still exist in
  // the transaction that makes the change.
  absl::StatusOr<bool> RemoveTenant(absl::Time deadline, const common::v1::Scope& source,
                                    const common::v1::Scope& target, bool prevent_protected);
  absl::StatusOr<bool> RemoveApp(absl::Time deadline, const common::v1::Scope& source,
                                 const common::v1::Scope& target, bool prevent_protected);
  absl::StatusOr<bool> RemoveDomain(absl::Time deadline, const common::v1::Scope& source,
                                    const std::string& domain, bool prevent_protected);
  absl::StatusOr<bool> PutProvider(absl::Time deadline, const common::v1::Scope& scope,
                                   const v1::ThirdPartyProvider& provider, bool skip_validation);
  absl::StatusOr<bool> RemoveProvider(absl::Time deadline, const common::v1::Scope& scope,
                                      const std::string& third_party_id);

  // For changes that another process has made, or may have made. However many threads call
  // ReloadAll at once, the database is read at most twice.
  absl::Status Reload(absl::Time deadline, const common::v1::Scope& scope);
  absl::Status ReloadAll(absl::Time deadline);

 private:
  class ChangeLock;
  void Publish(v1::Tenant tenant, std::vector<v1::ThirdPartyProvider> providers);

  PgTenantStore& store_;
  PgTenantStorages& storages_;
  Catalogue& catalogue_;
  const Clock& clock_;
  // Held from reading or writing the database until the catalogue is updated: otherwise an older
  // state could be published after a newer one.
  TimedMutex change_mutex_;
  absl::Time all_read_at_ = absl::InfinitePast();  // when the last whole reading began
};

}  // namespace gatehouse::tenants
