#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "libs/base/clock.h"
#include "services/users/emailverification/pg_email_verification_store.h"

namespace gatehouse::users {

// The rules of email verification (formats: 6.2). Thread-safe. Emails are normalised; user ids are
// those that clients see.
class EmailVerification {
 public:
  // Both outlive the rules.
  EmailVerification(PgEmailVerificationStore& store, const Clock& clock)
      : store_(store), clock_(clock) {}

  // The token, only for the user; nullopt when the email is verified already. Its lifetime
  // is the tenant's `email_verification_token_lifetime`.
  absl::StatusOr<std::optional<std::string>> CreateToken(const Where& tenant,
                                                         std::string_view user_id,
                                                         std::string_view email);
  // Whose email it verified; nullopt: invalid or expired.
  absl::StatusOr<std::optional<VerifiedEmail>> UseToken(const Where& tenant,
                                                        std::string_view token);

 private:
  PgEmailVerificationStore& store_;
  const Clock& clock_;
};

}  // namespace gatehouse::users
