#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "gatehouse/users/v1/emailpassword_service.pb.h"
#include "libs/base/clock.h"
#include "libs/passwords/password_hasher.h"
#include "services/users/emailpassword/pg_emailpassword_store.h"
#include "services/users/registry/pg_user_store.h"

namespace gatehouse::users {

// FORBIDDEN when the tenant's settings forbid email and password at the caller's API version.
absl::Status CheckEmailPasswordGate(const tenancy::Tenant& tenant, common::v1::RecipeGate gate);

struct SignedIn {
  v1::User user;
  v1::LoginMethod method;
};

struct ResetTokenUser {
  std::string user_id;  // external where mapped
  std::string email;
};

// The rules of email and password. Thread-safe. It holds no store call open while it hashes. Emails
// are normalised here; `scopes` are those of an app (ScopesOfApp).
class EmailPassword {
 public:
  // All outlive the rules.
  EmailPassword(PgEmailPasswordStore& store, PgUserStore& users,
                passwords::PasswordHasher& hasher, const Clock& clock)
      : store_(store), users_(users), hasher_(hasher), clock_(clock) {}

  // nullopt: the email is taken in the tenant.
  absl::StatusOr<std::optional<v1::User>> SignUp(const Where& scope, std::string_view email,
                                                 std::string_view password);
  // nullopt: no such user, or a wrong password.
  absl::StatusOr<std::optional<SignedIn>> SignIn(const Where& scope, std::string_view email,
                                                 std::string_view password);
  absl::StatusOr<EmailChange> Update(const std::vector<Where>& scopes, std::string_view id,
                                     std::optional<std::string> email, const std::string* password);

  absl::StatusOr<bool> HasUser(const Where& scope, std::string_view id);
  // The token; nullopt: unknown user. `email` absent: the user's only login method's, which must be
  // of this recipe; BAD_INPUT when there are several. `tenant` determines the token's lifetime.
  absl::StatusOr<std::optional<std::string>> CreateResetToken(const std::vector<Where>& scopes,
                                                              const Where& tenant,
                                                              std::string_view id,
                                                              std::optional<std::string> email);
  // The user's id, external where mapped; nullopt: invalid token.
  absl::StatusOr<std::optional<std::string>> ResetPassword(const Where& scope,
                                                           std::string_view token,
                                                           std::string_view new_password);
  absl::StatusOr<std::optional<ResetTokenUser>> ConsumeResetToken(const Where& scope,
                                                                  std::string_view token);

  // The user and whether it existed already. BAD_INPUT for a hash in no supported form.
  absl::StatusOr<std::pair<v1::User, bool>> ImportHash(
      const Where& scope, std::string_view email, std::string_view password_hash,
      v1::ImportPasswordHashRequest::Algorithm algorithm);

 private:
  absl::StatusOr<std::string> ExternalId(const Where& scope, const std::string& user_id);

  PgEmailPasswordStore& store_;
  PgUserStore& users_;
  passwords::PasswordHasher& hasher_;
  const Clock& clock_;
};

}  // namespace gatehouse::users
