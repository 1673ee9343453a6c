#include "services/users/registry/sign_in_or_up.h"

#include <utility>
#include <vector>

#include "libs/base/status.h"
#include "libs/crypto/bytes.h"

namespace gatehouse::users {
namespace {

// A round fails when another request signs the same user up, or deletes it, between this one's read
// and write. Each failure takes another's whole request, so one request never has many in a row.
constexpr int kMaxRounds = 50;

bool HasKey(const v1::LoginMethod& method, const AccountInfo& key) {
  if (key.type == kThirdPartyInfo) {
    return method.has_third_party() &&
           ThirdPartyInfoValue(method.third_party().id(), method.third_party().user_id()) ==
               key.value;
  }
  if (key.type == kEmailInfo) return method.has_email() && method.email() == key.value;
  return method.has_phone_number() && method.phone_number() == key.value;
}

// The login method with the key; null pointers when none of the users is in the tenant with it.
std::pair<v1::User*, v1::LoginMethod*> FindByKey(std::vector<v1::User>& users, const Where& scope,
                                                 std::string_view recipe_id,
                                                 const AccountInfo& key) {
  for (v1::User& user : users) {
    for (v1::LoginMethod& method : *user.mutable_login_methods()) {
      if (method.recipe_id() == recipe_id && HasKey(method, key) &&
          IsInTenant(method, scope.tenant_id())) {
        return {&user, &method};
      }
    }
  }
  return {nullptr, nullptr};
}

}  // namespace

absl::StatusOr<std::optional<SignedInOrUp>> SignInOrUp(PgUserStore& store, const Clock& clock,
                                                       const Where& scope, const Identity& identity,
                                                       bool email_verified) {
  ASSIGN_OR_RETURN(const std::vector<IdentityRow> rows, RowsOf(identity));
  const AccountInfo& key = rows.front().info;
  email_verified = email_verified && identity.email.has_value();
  // Once only: requests at once that bring different emails would else undo each other's for ever.
  bool email_set = false;
  for (int round = 0; round < kMaxRounds; ++round) {
    ASSIGN_OR_RETURN(std::vector<v1::User> users, store.FindByAccountInfo(scope, {key}));
    const auto [user, method] = FindByKey(users, scope, identity.recipe_id, key);
    if (method == nullptr) {
      const NewIdentity signed_up = {crypto::NewUuid4(), identity, clock.NowMs(), email_verified};
      ASSIGN_OR_RETURN(const bool registered, store.Register(scope, signed_up));
      if (!registered) continue;
      v1::User made = NewUser(scope, signed_up);
      v1::LoginMethod only = made.login_methods(0);
      return SignedInOrUp{true, std::move(made), std::move(only)};
    }
    if (identity.email.has_value() && method->email() != *identity.email && !email_set) {
      ASSIGN_OR_RETURN(
          const IdentityChange change,
          store.ChangeIdentity(scope, identity.recipe_id, method->supertokens_user_id(),
                               {.email = ContactUpdate{identity.email}}));
      if (change.result == IdentityChange::Result::kUnknownUser) continue;
      if (change.result != IdentityChange::Result::kDone) return std::nullopt;
      email_set = true;
      if (!email_verified) continue;  // whether the new one is verified must be read
      method->set_email(*identity.email);
      method->set_verified(false);
    }
    if (email_verified && !method->verified() && method->email() == *identity.email) {
      RETURN_IF_ERROR(store.MarkEmailVerified(scope, method->recipe_user_id(), *identity.email));
      method->set_verified(true);
    }
    v1::LoginMethod signed_in = *method;
    return SignedInOrUp{false, std::move(*user), std::move(signed_in)};
  }
  return MakeError(ErrorReason::kOverloaded, "The user is being changed by many requests at once");
}

}  // namespace gatehouse::users
