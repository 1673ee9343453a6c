#pragma once

#include <functional>
#include <memory>
#include <string>

#include "libs/db/database.h"
#include "services/tenants/tenant_store.h"

namespace gatehouse::tenants {

// TenantStore over the base database, which outlives it. Thread-safe.
class PgTenantStore final : public TenantStore {
 public:
  explicit PgTenantStore(db::Database& database);

  absl::Status EnsureBaseTenant(absl::Time deadline, int64_t now_ms) override;
  absl::StatusOr<std::vector<v1::Tenant>> GetMany(
      absl::Time deadline, const std::vector<common::v1::Scope>& scopes) override;
  absl::StatusOr<std::vector<v1::TenantWithProviders>> List(absl::Time deadline,
                                                            const Filter& filter) override;
  absl::Status Change(absl::Time deadline, const common::v1::Scope& scope, bool whole_domain,
                      absl::FunctionRef<absl::Status(TenantChange&)> body) override;

  // Other processes' changes. `changed` is called with one scope; `resynchronise` when any may have
  // changed. Both are called on one thread of the listener.
  absl::StatusOr<std::unique_ptr<db::Subscription>> Listen(
      std::function<void(const common::v1::Scope&)> changed, std::function<void()> resynchronise);

 private:
  db::Database& database_;
  const std::string channel_;   // of notifications: one per schema and table prefix
  const std::string instance_;  // marks notifications of this process
};

}  // namespace gatehouse::tenants
