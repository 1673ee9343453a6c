#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gatehouse/common/v1/scope.pb.h"
#include "gatehouse/tenants/v1/tenant.pb.h"
#include "gatehouse/tenants/v1/third_party_provider.pb.h"

namespace gatehouse::db {
class Database;
class Params;
class Transaction;
struct Statement;
}  // namespace gatehouse::db

namespace gatehouse::tenants {

// One change of a tenant's configuration, in a transaction that excludes other changes of the same
// app. The transaction outlives it. One thread.
class PgTenantChange {
 public:
  explicit PgTenantChange(db::Transaction& transaction) : transaction_(transaction) {}

  absl::StatusOr<std::optional<v1::Tenant>> Get(const common::v1::Scope& scope);
  absl::StatusOr<std::vector<v1::ThirdPartyProvider>> Providers(const common::v1::Scope& scope);
  // kTenantNotFound when the app of a tenant that isn't public does not exist.
  absl::Status AddRows(const common::v1::Scope& scope, int64_t now_ms);
  absl::Status Insert(const v1::Tenant& tenant);
  absl::Status Update(const v1::Tenant& tenant);
  // Replaces the provider with this id, or adds it.
  absl::Status PutProvider(const common::v1::Scope& scope, const v1::ThirdPartyProvider& provider);
  absl::StatusOr<bool> RemoveProvider(const common::v1::Scope& scope,
                                      const std::string& third_party_id);
  // The ids of the app's tenants, and of the domain's apps.
  absl::StatusOr<std::vector<std::string>> TenantIds(const common::v1::Scope& scope);
  absl::StatusOr<std::vector<std::string>> AppIds(const std::string& domain);
  // Removes the tenant's data from the base database; for a public tenant the whole app's.
  absl::Status RemoveRows(const common::v1::Scope& scope);
  // Whether there was one.
  absl::StatusOr<bool> RemoveTenant(const common::v1::Scope& scope);
  absl::StatusOr<bool> RemoveApp(const common::v1::Scope& scope);
  absl::StatusOr<bool> RemoveDomain(const std::string& domain);

 private:
  absl::Status AddFactors(const v1::Tenant& tenant);
  absl::StatusOr<std::vector<std::string>> Strings(const db::Statement& statement,
                                                   const db::Params& params);
  absl::StatusOr<bool> Remove(const db::Statement& statement, const db::Params& params);

  db::Transaction& transaction_;
};

// Statements that run in a tenant's own database as well as in the base one.
absl::Status AddTenantRows(db::Database& database, absl::Time deadline,
                           const common::v1::Scope& scope, int64_t now_ms);
absl::Status RemoveTenantRows(db::Database& database, absl::Time deadline,
                              const common::v1::Scope& scope);

}  // namespace gatehouse::tenants
