#pragma once

#include "libs/tenancy/tenant_databases.h"
#include "services/passwordless/passwordless_user_store.h"

namespace gatehouse::passwordless {

// PasswordlessUserStore in PostgreSQL: table passwordless_users. One statement per call.
class PgPasswordlessUserStore final : public PasswordlessUserStore {
 public:
  // `databases` outlives the store.
  explicit PgPasswordlessUserStore(tenancy::TenantDatabases& databases) : databases_(databases) {}

  absl::StatusOr<SaveOutcome> SaveUser(const Where& where, const PasswordlessUser& user) override;
  absl::Status ImportUsers(const Where& where, const std::vector<PasswordlessUser>& users) override;
  absl::Status RemoveUser(const Where& where, std::string_view user_id) override;

 private:
  tenancy::TenantDatabases& databases_;
};

}  // namespace gatehouse::passwordless
