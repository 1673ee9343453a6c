#pragma once

#include "libs/tenancy/tenant_databases.h"
#include "services/users/emailpassword/emailpassword_store.h"

namespace gatehouse::db {
class Transaction;
}

namespace gatehouse::users {

// EmailPasswordStore over PostgreSQL. Thread-safe.
class PgEmailPasswordStore final : public EmailPasswordStore {
 public:
  // `databases` must outlive the store.
  explicit PgEmailPasswordStore(tenancy::TenantDatabases& databases) : databases_(databases) {}

  absl::StatusOr<bool> SignUp(const RequestScope& scope,
                              const NewEmailPasswordUser& user) override;
  absl::StatusOr<std::optional<Credentials>> FindCredentials(const RequestScope& scope,
                                                             std::string_view email) override;
  absl::StatusOr<EmailChange> UpdateCredentials(const RequestScope& scope,
                                                std::string_view user_id, const std::string* email,
                                                const std::string* password_hash) override;
  absl::StatusOr<bool> AddResetToken(const RequestScope& scope, std::string_view user_id,
                                     std::string_view token_hash,
                                     const std::optional<std::string>& email,
                                     int64_t expiry_ms) override;
  absl::StatusOr<std::optional<ResetTokenUse>> UseResetToken(
      const RequestScope& scope, std::string_view token_hash, int64_t now_ms,
      const std::string* new_password_hash) override;

 private:
  tenancy::TenantDatabases& databases_;
};

// Clean-up: deletes at most `limit` tokens of all apps that expired before `now_ms`, and says how
// many.
absl::StatusOr<int64_t> DeleteExpiredResetTokens(db::Transaction& transaction, int64_t now_ms,
                                                 int limit);

}  // namespace gatehouse::users
