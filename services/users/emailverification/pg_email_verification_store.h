#pragma once

#include "libs/tenancy/tenant_databases.h"
#include "services/users/emailverification/email_verification_store.h"

namespace gatehouse::db {
class Transaction;
}

namespace gatehouse::users {

// EmailVerificationStore over PostgreSQL. Thread-safe.
class PgEmailVerificationStore final : public EmailVerificationStore {
 public:
  // `databases` must outlive the store.
  explicit PgEmailVerificationStore(tenancy::TenantDatabases& databases) : databases_(databases) {}

  absl::StatusOr<TokenAdded> AddToken(const RequestScope& scope, std::string_view user_id,
                                      std::string_view email, std::string_view token_hash,
                                      int64_t expiry_ms) override;
  absl::StatusOr<std::optional<VerifiedEmail>> UseToken(const RequestScope& scope,
                                                        std::string_view token_hash,
                                                        int64_t now_ms) override;
  absl::Status DeleteTokens(const RequestScope& scope, std::string_view user_id,
                            std::string_view email) override;
  absl::Status Unverify(const RequestScope& scope, std::string_view user_id,
                        std::string_view email) override;
  absl::StatusOr<bool> IsVerified(const RequestScope& scope, std::string_view user_id,
                                  std::string_view email) override;

 private:
  tenancy::TenantDatabases& databases_;
};

// Deletes tokens that have expired at `now_ms`, whosever they are. How many were deleted, at most
// `limit`.
absl::StatusOr<int64_t> DeleteExpiredEmailVerificationTokens(db::Transaction& transaction,
                                                             int64_t now_ms, int limit);

}  // namespace gatehouse::users
