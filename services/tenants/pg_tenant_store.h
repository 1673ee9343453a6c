#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gatehouse/common/v1/scope.pb.h"
#include "gatehouse/tenants/v1/tenant.pb.h"
#include "gatehouse/tenants/v1/tenants_service.pb.h"

namespace gatehouse::db {
class Database;
class Subscription;
}  // namespace gatehouse::db

namespace gatehouse::tenants {

class PgTenantChange;

// The rows of tenant_configs and their children, apps and tenants, in the base database.
// The database outlives the store. Thread-safe.
class PgTenantStore {
 public:
  explicit PgTenantStore(db::Database& database);

  // Creates the base tenant's rows if they are missing. Any number of processes may do so at once.
  absl::Status EnsureBaseTenant(absl::Time deadline, int64_t now_ms);

  // Those that exist, in any order.
  absl::StatusOr<std::vector<v1::Tenant>> GetMany(absl::Time deadline,
                                                  const std::vector<common::v1::Scope>& scopes);
  // With providers, by domain, app and tenant. An unset part of the filter means any.
  struct Filter {
    std::optional<std::string> domain;
    std::optional<std::string> app_id;
    std::optional<std::string> tenant_id;
  };
  absl::StatusOr<std::vector<v1::TenantWithProviders>> List(absl::Time deadline,
                                                            const Filter& filter);

  // Runs `body` in a transaction under a lock for the scope's app (a domain's removal locks the
  // whole domain), and notifies other processes that the scope changed. `body` may run again.
  absl::Status Change(absl::Time deadline, const common::v1::Scope& scope, bool whole_domain,
                      absl::FunctionRef<absl::Status(PgTenantChange&)> body);

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
