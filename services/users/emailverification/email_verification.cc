#include "services/users/emailverification/email_verification.h"

#include "libs/base/status.h"
#include "libs/crypto/digest.h"
#include "libs/crypto/master_key.h"

namespace gatehouse::users {

absl::StatusOr<std::optional<std::string>> EmailVerification::CreateToken(const Where& tenant,
                                                                          std::string_view user_id,
                                                                          std::string_view email) {
  const int64_t expiry_ms =
      clock_.NowMs() + tenant.tenant->config->email_verification_token_lifetime_ms();
  while (true) {
    std::string token = crypto::NewEmailVerificationToken();
    ASSIGN_OR_RETURN(const TokenAdded added,
                     store_.AddToken(tenant, user_id, email, crypto::Sha256Hex(token), expiry_ms));
    if (added == TokenAdded::kAlreadyVerified) return std::nullopt;
    if (added == TokenAdded::kAdded) return token;
  }
}

absl::StatusOr<std::optional<VerifiedEmail>> EmailVerification::UseToken(const Where& tenant,
                                                                         std::string_view token) {
  return store_.UseToken(tenant, crypto::Sha256Hex(token), clock_.NowMs());
}

}  // namespace gatehouse::users
