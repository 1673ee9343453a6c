#pragma once

#include <string>
#include <vector>

#include "libs/db/database.h"
#include "services/tenants/tenant_store.h"

namespace gatehouse::tenants {

// TenantChange in an open transaction, which outlives it. One thread.
class PgTenantChange final : public TenantChange {
 public:
  explicit PgTenantChange(db::Transaction& transaction) : transaction_(transaction) {}

  absl::StatusOr<std::optional<v1::Tenant>> Get(const common::v1::Scope& scope) override;
  absl::StatusOr<std::vector<v1::ThirdPartyProvider>> Providers(
      const common::v1::Scope& scope) override;
  absl::Status AddRows(const common::v1::Scope& scope, int64_t now_ms) override;
  absl::Status Insert(const v1::Tenant& tenant) override;
  absl::Status Update(const v1::Tenant& tenant) override;
  absl::Status PutProvider(const common::v1::Scope& scope,
                           const v1::ThirdPartyProvider& provider) override;
  absl::StatusOr<bool> RemoveProvider(const common::v1::Scope& scope,
                                      const std::string& third_party_id) override;
  absl::StatusOr<std::vector<std::string>> TenantIds(const common::v1::Scope& scope) override;
  absl::StatusOr<std::vector<std::string>> AppIds(const std::string& domain) override;
  absl::Status RemoveRows(const common::v1::Scope& scope) override;
  absl::StatusOr<bool> RemoveTenant(const common::v1::Scope& scope) override;
  absl::StatusOr<bool> RemoveApp(const common::v1::Scope& scope) override;
  absl::StatusOr<bool> RemoveDomain(const std::string& domain) override;

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
