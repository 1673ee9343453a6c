#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/tenancy/tenant_databases.h"
#include "services/users/registry/pg_user_store.h"
#include "services/users/request_scope.h"

namespace gatehouse::db {
class Transaction;
}

namespace gatehouse::users {

struct Credentials {
  std::string user_id;  // internal
  std::string password_hash;
};

struct NewEmailPasswordUser {
  std::string user_id;
  std::string email;  // normalised
  std::string password_hash;
  int64_t time_joined_ms = 0;
  bool email_verified = false;
};

inline NewIdentity IdentityOf(const NewEmailPasswordUser& user) {
  return {user.user_id,
          {.recipe_id = std::string(kEmailPasswordRecipe), .email = user.email},
          user.time_joined_ms,
          user.email_verified};
}

using EmailChange = IdentityChange::Result;  // never kNoContactLeft: an email is set, not cleared

struct ResetTokenUse {
  std::string user_id;               // internal
  std::optional<std::string> email;  // rows of old versions have none
};

// Credentials and password-reset tokens. Thread-safe. User ids are internal. One statement per
// method, except UpdateCredentials with an email. Errors as in libs/db/errors.h.
class PgEmailPasswordStore {
 public:
  // `databases` must outlive the store.
  explicit PgEmailPasswordStore(tenancy::TenantDatabases& databases) : databases_(databases) {}

  // False, without effect, when the tenant has a user with this email and a password.
  absl::StatusOr<bool> SignUp(const Where& scope, const NewEmailPasswordUser& user);
  // By the tenant and a normalised email.
  absl::StatusOr<std::optional<Credentials>> FindCredentials(const Where& scope,
                                                             std::string_view email);
  // Null: unchanged. Both change or neither does. A new email or password ends the user's
  // reset tokens.
  absl::StatusOr<EmailChange> UpdateCredentials(const Where& scope, std::string_view user_id,
                                                const std::string* email,
                                                const std::string* password_hash);

  // False when the token's hash exists already. NOT_FOUND: the user was deleted a moment ago.
  absl::StatusOr<bool> AddResetToken(const Where& scope, std::string_view user_id,
                                     std::string_view token_hash,
                                     const std::optional<std::string>& email, int64_t expiry_ms);
  // Deletes the token and all others of its user; nullopt when there was no such token or it had
  // expired at `now_ms`. Sets the password if one is given. Of many concurrent uses, one succeeds.
  absl::StatusOr<std::optional<ResetTokenUse>> UseResetToken(const Where& scope,
                                                             std::string_view token_hash,
                                                             int64_t now_ms,
                                                             const std::string* new_password_hash);

 private:
  tenancy::TenantDatabases& databases_;
};

// Clean-up: deletes at most `limit` tokens of all apps that expired before `now_ms`, and returns
// how many.
absl::StatusOr<int64_t> DeleteExpiredResetTokens(db::Transaction& transaction, int64_t now_ms,
                                                 int limit);

}  // namespace gatehouse::users
