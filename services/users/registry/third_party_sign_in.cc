#include "services/users/registry/third_party_sign_in.h"

#include "libs/base/status.h"
#include "libs/crypto/bytes.h"

namespace gatehouse::users {
namespace {

// A round is in vain when somebody signs the same user up, or deletes it, between this one's read
// and write. Each takes another's whole request, so that many in a row don't happen to one.
constexpr int kMaxRounds = 50;

using Outcome = std::variant<ThirdPartySignedIn, EmailChangeRefused>;

// The login method with the identity; null pointer when this user is not in the tenant with it.
v1::LoginMethod* FindIdentity(v1::User& user, const RequestScope& scope,
                              const ThirdPartySignIn& input) {
  for (v1::LoginMethod& method : *user.mutable_login_methods()) {
    if (!method.has_third_party() || method.third_party().id() != input.third_party_id ||
        method.third_party().user_id() != input.third_party_user_id) {
      continue;
    }
    if (IsInTenant(method, scope.tenant_id())) return &method;
  }
  return nullptr;
}

absl::StatusOr<Outcome> SignUp(PgUserStore& store, const Clock& clock, const RequestScope& scope,
                               const ThirdPartySignIn& input, bool& taken) {
  NewThirdPartyUser user;
  user.user_id = crypto::NewUuid4();
  user.third_party_id = input.third_party_id;
  user.third_party_user_id = input.third_party_user_id;
  user.email = input.email;
  user.time_joined_ms = clock.NowMs();
  user.email_verified = input.email_verified;
  ASSIGN_OR_RETURN(const bool registered, store.RegisterThirdPartyUser(scope, user));
  taken = !registered;
  ThirdPartySignedIn result;
  result.created = true;
  result.user = NewUser(scope, user.user_id, kThirdPartyRecipe, user.email, user.time_joined_ms,
                        user.email_verified);
  v1::ThirdPartyInfo& identity = *result.user.mutable_login_methods(0)->mutable_third_party();
  identity.set_id(user.third_party_id);
  identity.set_user_id(user.third_party_user_id);
  result.method = result.user.login_methods(0);
  return result;
}

}  // namespace

v1::User NewUser(const RequestScope& scope, std::string_view user_id, std::string_view recipe_id,
                 std::string_view email, int64_t time_joined_ms, bool verified) {
  v1::User user;
  user.set_id(std::string(user_id));
  user.set_supertokens_user_id(std::string(user_id));
  user.set_time_joined_ms(time_joined_ms);
  user.add_tenant_ids(scope.tenant_id());
  v1::LoginMethod& method = *user.add_login_methods();
  method.set_recipe_user_id(std::string(user_id));
  method.set_supertokens_user_id(std::string(user_id));
  method.set_recipe_id(std::string(recipe_id));
  method.set_email(std::string(email));
  method.set_time_joined_ms(time_joined_ms);
  method.set_verified(verified);
  method.add_tenant_ids(scope.tenant_id());
  return user;
}

absl::StatusOr<Outcome> SignInOrUpThirdParty(PgUserStore& store, const Clock& clock,
                                             const RequestScope& scope,
                                             const ThirdPartySignIn& input) {
  const std::vector<AccountInfo> wanted = {
      {std::string(kThirdPartyInfo),
       ThirdPartyInfoValue(input.third_party_id, input.third_party_user_id)}};
  // Once only: requests at once that bring different emails would else undo each other's for ever.
  bool email_set = false;
  for (int round = 0; round < kMaxRounds; ++round) {
    ASSIGN_OR_RETURN(std::vector<v1::User> users, store.FindByAccountInfo(scope, wanted));
    v1::User* user = nullptr;
    v1::LoginMethod* method = nullptr;
    for (v1::User& candidate : users) {
      if ((method = FindIdentity(candidate, scope, input)) != nullptr) {
        user = &candidate;
        break;
      }
    }
    if (method == nullptr) {
      bool taken = false;
      ASSIGN_OR_RETURN(Outcome signed_up, SignUp(store, clock, scope, input, taken));
      if (!taken) return signed_up;
      continue;
    }
    if (method->email() != input.email && !email_set) {
      ASSIGN_OR_RETURN(const EmailChange change,
                       store.ChangeEmail(scope, method->supertokens_user_id(), input.email));
      if (change == EmailChange::kUnknownUser) continue;
      if (change != EmailChange::kDone) {
        return EmailChangeRefused{"Email already associated with another primary user."};
      }
      email_set = true;
      if (!input.email_verified) continue;  // whether the new one is verified must be read
      method->set_email(input.email);
      method->set_verified(false);
    }
    if (input.email_verified && !method->verified() && method->email() == input.email) {
      RETURN_IF_ERROR(store.MarkEmailVerified(scope, method->recipe_user_id(), input.email));
      method->set_verified(true);
    }
    return ThirdPartySignedIn{false, *user, *method};
  }
  return MakeError(ErrorReason::kOverloaded, "The user is being changed by many requests at once");
}

}  // namespace gatehouse::users
