#include "services/users/registry/passwordless_sign_in.h"

#include <string>
#include <utility>
#include <vector>

#include "libs/base/status.h"
#include "libs/crypto/bytes.h"
#include "services/users/registry/third_party_sign_in.h"

namespace gatehouse::users {
namespace {

// A user that is deleted between the read and the sign-up, or the reverse, makes a round in vain.
constexpr int kMaxRounds = 50;

// The login method with the contact; null pointer when this user is not in the tenant with it.
v1::LoginMethod* FindMethod(v1::User& user, const RequestScope& scope,
                            const AccountInfo& contact) {
  for (v1::LoginMethod& method : *user.mutable_login_methods()) {
    if (method.recipe_id() != kPasswordlessRecipe) continue;
    const bool is_email = contact.type == kEmailInfo;
    if (is_email ? !method.has_email() : !method.has_phone_number()) continue;
    if ((is_email ? method.email() : method.phone_number()) != contact.value) continue;
    if (IsInTenant(method, scope.tenant_id())) return &method;
  }
  return nullptr;
}

PasswordlessSignedIn SignedUp(const RequestScope& scope, const NewPasswordlessUser& user) {
  const bool is_email = user.contact.type == kEmailInfo;
  PasswordlessSignedIn result;
  result.created = true;
  // A phone number is only ever stored after its owner proved to have it.
  result.user = NewUser(scope, user.user_id, kPasswordlessRecipe, user.contact.value,
                        user.time_joined_ms, user.email_verified || !is_email);
  if (!is_email) {
    v1::LoginMethod& method = *result.user.mutable_login_methods(0);
    method.clear_email();
    method.set_phone_number(user.contact.value);
  }
  result.method = result.user.login_methods(0);
  return result;
}

}  // namespace

absl::StatusOr<PasswordlessSignedIn> SignInOrUpPasswordless(
    PgUserStore& users, PgPasswordlessStore& store, const Clock& clock, const RequestScope& scope,
    const AccountInfo& contact, bool mark_email_verified) {
  mark_email_verified = mark_email_verified && contact.type == kEmailInfo;
  for (int round = 0; round < kMaxRounds; ++round) {
    ASSIGN_OR_RETURN(std::vector<v1::User> found, users.FindByAccountInfo(scope, {contact}));
    for (v1::User& user : found) {
      v1::LoginMethod* method = FindMethod(user, scope, contact);
      if (method == nullptr) continue;
      if (mark_email_verified && !method->verified()) {
        RETURN_IF_ERROR(users.MarkEmailVerified(scope, method->recipe_user_id(), contact.value));
        method->set_verified(true);
      }
      v1::LoginMethod signed_in = *method;
      return PasswordlessSignedIn{false, std::move(user), std::move(signed_in)};
    }
    const NewPasswordlessUser user = {crypto::NewUuid4(), contact, clock.NowMs(),
                                      mark_email_verified};
    ASSIGN_OR_RETURN(const bool registered, store.RegisterPasswordlessUser(scope, user));
    if (registered) return SignedUp(scope, user);
  }
  return MakeError(ErrorReason::kOverloaded, "The user is being changed by many requests at once");
}

}  // namespace gatehouse::users
