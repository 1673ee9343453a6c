#pragma once

#include "libs/tenancy/tenant_databases.h"
#include "services/users/registry/passwordless_store.h"

namespace gatehouse::users {

// PasswordlessStore over PostgreSQL. Thread-safe.
class PgPasswordlessStore final : public PasswordlessStore {
 public:
  // `databases` must outlive the store.
  explicit PgPasswordlessStore(tenancy::TenantDatabases& databases) : databases_(databases) {}

  absl::StatusOr<bool> RegisterPasswordlessUser(const RequestScope& scope,
                                                const NewPasswordlessUser& user) override;
  absl::StatusOr<ContactChange> ChangeContact(
      const RequestScope& scope, std::string_view user_id,
      const std::optional<ContactUpdate>& email,
      const std::optional<ContactUpdate>& phone_number) override;

 private:
  tenancy::TenantDatabases& databases_;
};

}  // namespace gatehouse::users
