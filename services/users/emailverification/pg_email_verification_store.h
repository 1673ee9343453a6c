#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/tenancy/tenant_databases.h"
#include "services/users/request_scope.h"

namespace gatehouse::db {
class Transaction;
}

namespace gatehouse::users {

struct VerifiedEmail {
  std::string user_id;
  std::string email;
};

enum class TokenAdded { kAdded, kAlreadyVerified, kDuplicateToken };

// Verification tokens, which belong to a tenant, and verified emails, which belong to an app. User
// ids are those that clients see. Thread-safe. One statement per method. Errors as in
// libs/db/errors.h, and kTenantNotFound when the tenant has just been removed.
class PgEmailVerificationStore {
 public:
  // `databases` must outlive the store.
  explicit PgEmailVerificationStore(tenancy::TenantDatabases& databases) : databases_(databases) {}

  // Adds the token unless the email is verified.
  absl::StatusOr<TokenAdded> AddToken(const Where& scope, std::string_view user_id,
                                      std::string_view email, std::string_view token_hash,
                                      int64_t expiry_ms);
  // Deletes the token, with all others of its user and email in the tenant, and marks the email
  // verified; nullopt when there was no such token or it had expired at `now_ms`. Of many
  // concurrent uses, one succeeds.
  absl::StatusOr<std::optional<VerifiedEmail>> UseToken(const Where& scope,
                                                        std::string_view token_hash,
                                                        int64_t now_ms);
  absl::Status DeleteTokens(const Where& scope, std::string_view user_id, std::string_view email);
  absl::Status Unverify(const Where& scope, std::string_view user_id, std::string_view email);
  absl::StatusOr<bool> IsVerified(const Where& scope, std::string_view user_id,
                                  std::string_view email);

 private:
  tenancy::TenantDatabases& databases_;
};

// Deletes tokens of all users that have expired at `now_ms`. Returns how many were deleted, at most
// `limit`.
absl::StatusOr<int64_t> DeleteExpiredEmailVerificationTokens(db::Transaction& transaction,
                                                             int64_t now_ms, int limit);

}  // namespace gatehouse::users
