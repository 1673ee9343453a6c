#include "services/users/emailpassword/emailpassword.h"

#include "libs/base/problem.h"
#include "libs/base/status.h"
#include "libs/crypto/bytes.h"
#include "libs/crypto/digest.h"
#include "libs/crypto/password.h"
#include "libs/passwords/import_format.h"
#include "libs/tenancy/recipe_gate.h"

namespace gatehouse::users {
namespace {

constexpr size_t kMaxEmail = 256;          // emailpassword_users.email
constexpr size_t kMaxPasswordHash = 256;   // emailpassword_users.password_hash
constexpr size_t kResetTokenBytes = 48;    // 96 hex digits, 128 characters in base64
constexpr int kMaxRounds = 5;              // two changes that keep colliding, in practice never

absl::Status CheckEmail(std::string_view email) {
  if (FitsColumn(email, kMaxEmail)) return absl::OkStatus();
  return BadInput(Problem::kTooLong, "email must not be longer than 256 characters",
                  {{"field", "email"}, {"max_characters", "256"}});
}

// The app's user with this id, and the database where it is.
struct Located {
  Where scope;
  v1::User user;
};
absl::StatusOr<std::optional<Located>> Locate(PgUserStore& users, const std::vector<Where>& scopes,
                                              std::string_view id) {
  std::optional<Located> located;
  ASSIGN_OR_RETURN(const auto missing,
                   AskScopes(scopes, [&](const Where& scope) -> absl::StatusOr<bool> {
                     ASSIGN_OR_RETURN(std::optional<v1::User> user, users.FindById(scope, id));
                     if (!user.has_value()) return false;
                     located = Located{{scope.tenant, scopes.front().deadline}, *std::move(user)};
                     return true;
                   }));
  RETURN_IF_ERROR(tenancy::NeedsAll(missing));
  return located;
}

// Random, and safe in a URL: the base64 of hex digits needs no padding and has no `+` or `/`.
std::string NewResetToken() { return crypto::Base64Encode(crypto::RandomHex(kResetTokenBytes)); }

passwords::HashKind KindOf(v1::ImportPasswordHashRequest::Algorithm algorithm) {
  using Request = v1::ImportPasswordHashRequest;
  switch (algorithm) {
    case Request::ALGORITHM_ARGON2:
      return passwords::HashKind::kArgon2;
    case Request::ALGORITHM_BCRYPT:
      return passwords::HashKind::kBcrypt;
    case Request::ALGORITHM_FIREBASE_SCRYPT:
      return passwords::HashKind::kFirebaseScrypt;
    default:
      return passwords::HashKind::kAny;
  }
}

absl::Status CheckImport(const config::CoreConfig& config, std::string_view hash,
                         v1::ImportPasswordHashRequest::Algorithm algorithm) {
  RETURN_IF_ERROR(passwords::CheckImportFormat(config, hash, KindOf(algorithm)));
  if (!FitsColumn(hash, kMaxPasswordHash)) {
    return BadInput(Problem::kTooLong, "passwordHash must not be longer than 256 characters",
                    {{"field", "passwordHash"}, {"max_characters", "256"}});
  }
  return crypto::CheckHashCost(hash);
}

}  // namespace

absl::Status CheckEmailPasswordGate(const tenancy::Tenant& tenant, common::v1::RecipeGate gate) {
  return tenancy::CheckRecipeGate(tenant, gate,
                                  {.id = kEmailPasswordRecipe,
                                   .name = "Email password",
                                   .enabled = tenant.record.email_password_enabled(),
                                   .factors = {kEmailPasswordRecipe}});
}

absl::StatusOr<std::optional<v1::User>> EmailPassword::SignUp(const Where& scope,
                                                              std::string_view email,
                                                              std::string_view password) {
  NewEmailPasswordUser user;
  user.email = NormaliseEmail(email);
  RETURN_IF_ERROR(CheckEmail(user.email));
  ASSIGN_OR_RETURN(user.password_hash,
                   hasher_.Hash(*scope.tenant->config, password, scope.deadline));
  user.user_id = crypto::NewUuid4();
  user.time_joined_ms = clock_.NowMs();
  user.email_verified = IsFakeEmail(user.email);
  ASSIGN_OR_RETURN(const bool signed_up, store_.SignUp(scope, user));
  if (!signed_up) return std::nullopt;
  return NewUser(scope, IdentityOf(user));
}

absl::StatusOr<std::optional<SignedIn>> EmailPassword::SignIn(const Where& scope,
                                                              std::string_view email,
                                                              std::string_view password) {
  ASSIGN_OR_RETURN(std::optional<Credentials> credentials,
                   store_.FindCredentials(scope, NormaliseEmail(email)));
  if (!credentials.has_value()) {
    RETURN_IF_ERROR(hasher_.VerifyNothing(*scope.tenant->config, password, scope.deadline));
    return std::nullopt;
  }
  ASSIGN_OR_RETURN(const bool matches,
                   hasher_.Verify(*scope.tenant->config, password, credentials->password_hash,
                                  scope.deadline));
  if (!matches) return std::nullopt;
  ASSIGN_OR_RETURN(std::optional<v1::User> user, users_.FindByInternalId(scope, credentials->user_id));
  if (!user.has_value()) return std::nullopt;  // deleted meanwhile
  const v1::LoginMethod* method = FindLoginMethodByInternalId(*user, credentials->user_id);
  if (method == nullptr) return std::nullopt;
  v1::LoginMethod signed_in = *method;
  return SignedIn{*std::move(user), std::move(signed_in)};
}

absl::StatusOr<EmailChange> EmailPassword::Update(const std::vector<Where>& scopes,
                                                  std::string_view id,
                                                  std::optional<std::string> email,
                                                  const std::string* password) {
  if (email.has_value()) {
    email = NormaliseEmail(*email);
    RETURN_IF_ERROR(CheckEmail(*email));
  }
  ASSIGN_OR_RETURN(std::optional<Located> located, Locate(users_, scopes, id));
  if (!located.has_value()) return EmailChange::kUnknownUser;
  const v1::LoginMethod* method = FindLoginMethod(located->user, id);
  if (method == nullptr || method->recipe_id() != kEmailPasswordRecipe) {
    return EmailChange::kUnknownUser;
  }
  std::string hash;
  if (password != nullptr) {
    ASSIGN_OR_RETURN(hash, hasher_.Hash(*located->scope.tenant->config, *password,
                                        located->scope.deadline));
  }
  return store_.UpdateCredentials(located->scope, method->supertokens_user_id(),
                                  email.has_value() ? &*email : nullptr,
                                  password != nullptr ? &hash : nullptr);
}

absl::StatusOr<bool> EmailPassword::HasUser(const Where& scope, std::string_view id) {
  ASSIGN_OR_RETURN(const std::optional<v1::User> user, users_.FindById(scope, id));
  return user.has_value();
}

absl::StatusOr<std::optional<std::string>> EmailPassword::CreateResetToken(
    const std::vector<Where>& scopes, const Where& tenant, std::string_view id,
    std::optional<std::string> email) {
  ASSIGN_OR_RETURN(std::optional<Located> located, Locate(users_, scopes, id));
  if (!located.has_value()) return std::nullopt;
  const v1::User& user = located->user;
  const v1::LoginMethod* method = FindLoginMethod(user, id);
  if (!email.has_value()) {
    if (user.login_methods_size() > 1) {
      return BadInput(Problem::kUnsupported, "Please use CDI version >= 4.0",
                      {{"field", "cdi-version"}});
    }
    const v1::LoginMethod& only = user.login_methods(0);
    if (!only.has_email() || only.recipe_id() != kEmailPasswordRecipe) return std::nullopt;
    email = only.email();
  }
  RETURN_IF_ERROR(CheckEmail(*email));
  // The id of a group whose own login method was deleted still means the user.
  const std::string& user_id =
      method != nullptr ? method->supertokens_user_id() : user.supertokens_user_id();
  const int64_t expiry =
      clock_.NowMs() + tenant.tenant->config->password_reset_token_lifetime_ms();
  for (int round = 0; round < kMaxRounds; ++round) {
    std::string token = NewResetToken();
    const absl::StatusOr<bool> added =
        store_.AddResetToken(located->scope, user_id, crypto::Sha256Hex(token), email, expiry);
    if (absl::IsNotFound(added.status())) return std::nullopt;
    RETURN_IF_ERROR(added.status());
    if (*added) return token;
  }
  return MakeError(ErrorReason::kInternal, "No new token could be made");
}

absl::StatusOr<std::string> EmailPassword::ExternalId(const Where& scope,
                                                      const std::string& user_id) {
  ASSIGN_OR_RETURN(std::vector<ResolvedId> resolved, users_.Resolve(scope, {user_id}, false));
  return resolved.front().found ? resolved.front().external_id : user_id;
}

absl::StatusOr<std::optional<std::string>> EmailPassword::ResetPassword(
    const Where& scope, std::string_view token, std::string_view new_password) {
  ASSIGN_OR_RETURN(const std::string hash,
                   hasher_.Hash(*scope.tenant->config, new_password, scope.deadline));
  ASSIGN_OR_RETURN(
      std::optional<ResetTokenUse> use,
      store_.UseResetToken(scope, crypto::Sha256Hex(token), clock_.NowMs(), &hash));
  if (!use.has_value()) return std::nullopt;
  return ExternalId(scope, use->user_id);
}

absl::StatusOr<std::optional<ResetTokenUser>> EmailPassword::ConsumeResetToken(
    const Where& scope, std::string_view token) {
  ASSIGN_OR_RETURN(
      std::optional<ResetTokenUse> use,
      store_.UseResetToken(scope, crypto::Sha256Hex(token), clock_.NowMs(), nullptr));
  if (!use.has_value()) return std::nullopt;
  if (use->email.has_value()) {
    ASSIGN_OR_RETURN(std::string user_id, ExternalId(scope, use->user_id));
    return ResetTokenUser{std::move(user_id), *std::move(use->email)};
  }
  // A token created by a version without this column: it can only mean the only login method.
  ASSIGN_OR_RETURN(std::optional<v1::User> user, users_.FindByInternalId(scope, use->user_id));
  if (!user.has_value() || user->login_methods_size() != 1) return std::nullopt;
  const v1::LoginMethod& only = user->login_methods(0);
  if (!only.has_email() || only.recipe_id() != kEmailPasswordRecipe) return std::nullopt;
  return ResetTokenUser{only.recipe_user_id(), only.email()};
}

absl::StatusOr<std::pair<v1::User, bool>> EmailPassword::ImportHash(
    const Where& scope, std::string_view email, std::string_view password_hash,
    v1::ImportPasswordHashRequest::Algorithm algorithm) {
  NewEmailPasswordUser user;
  user.email = NormaliseEmail(email);
  RETURN_IF_ERROR(CheckImport(*scope.tenant->config, password_hash, algorithm));
  RETURN_IF_ERROR(CheckEmail(user.email));
  user.password_hash = std::string(password_hash);
  for (int round = 0; round < kMaxRounds; ++round) {
    user.user_id = crypto::NewUuid4();
    user.time_joined_ms = clock_.NowMs();
    ASSIGN_OR_RETURN(const bool signed_up, store_.SignUp(scope, user));
    if (signed_up) {
      return std::make_pair(NewUser(scope, IdentityOf(user)), false);
    }
    ASSIGN_OR_RETURN(std::optional<Credentials> existing,
                     store_.FindCredentials(scope, user.email));
    if (!existing.has_value()) continue;  // deleted meanwhile
    ASSIGN_OR_RETURN(const EmailChange change,
                     store_.UpdateCredentials(scope, existing->user_id, nullptr,
                                              &user.password_hash));
    if (change != EmailChange::kDone) continue;
    ASSIGN_OR_RETURN(std::optional<v1::User> found, users_.FindByInternalId(scope, existing->user_id));
    if (found.has_value()) return std::make_pair(*std::move(found), true);
  }
  return MakeError(ErrorReason::kOverloaded, "The user is being changed by many requests at once");
}

}  // namespace gatehouse::users
