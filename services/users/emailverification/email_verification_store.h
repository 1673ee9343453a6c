#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "services/users/request_scope.h"

namespace gatehouse::users {

struct VerifiedEmail {
  std::string user_id;
  std::string email;
};

enum class TokenAdded { kAdded, kAlreadyVerified, kDuplicateToken };

// Verification tokens, which belong to a tenant, and verified emails, which belong to an app. User
// ids are those that clients see. Thread-safe. One statement a method. Errors as in
// libs/db/errors.h, and kTenantNotFound when the tenant was removed a moment ago.
class EmailVerificationStore {
 public:
  virtual ~EmailVerificationStore() = default;

  // Adds the token unless the email is verified.
  virtual absl::StatusOr<TokenAdded> AddToken(const RequestScope& scope, std::string_view user_id,
                                              std::string_view email, std::string_view token_hash,
                                              int64_t expiry_ms) = 0;
  // Deletes the token, with all others of its user and email in the tenant, and marks the email
  // verified; nullopt when there was no such token or it had expired at `now_ms`. Of many uses at
  // once, one succeeds.
  virtual absl::StatusOr<std::optional<VerifiedEmail>> UseToken(const RequestScope& scope,
                                                                std::string_view token_hash,
                                                                int64_t now_ms) = 0;
  virtual absl::Status DeleteTokens(const RequestScope& scope, std::string_view user_id,
                                    std::string_view email) = 0;
  virtual absl::Status Unverify(const RequestScope& scope, std::string_view user_id,
                                std::string_view email) = 0;
  virtual absl::StatusOr<bool> IsVerified(const RequestScope& scope, std::string_view user_id,
                                          std::string_view email) = 0;
};

}  // namespace gatehouse::users
