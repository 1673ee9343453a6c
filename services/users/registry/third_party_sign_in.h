#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "absl/status/statusor.h"
#include "gatehouse/users/v1/user.pb.h"
#include "libs/base/clock.h"
#include "services/users/registry/pg_user_store.h"

namespace gatehouse::users {

struct ThirdPartySignIn {
  std::string third_party_id;
  std::string third_party_user_id;
  std::string email;  // normalised
  bool email_verified = false;
};

struct ThirdPartySignedIn {
  bool created = false;
  v1::User user;
  v1::LoginMethod method;  // the one that signed in
};
struct EmailChangeRefused {
  std::string reason;
};

// Finds the tenant's user with this third-party identity, with its email brought up to date, or
// registers a new one. Two at once give one user. A known user with an unchanged email costs one
// statement.
absl::StatusOr<std::variant<ThirdPartySignedIn, EmailChangeRefused>> SignInOrUpThirdParty(
    PgUserStore& store, const Clock& clock, const RequestScope& scope,
    const ThirdPartySignIn& input);

// A user that has just signed up: one login method in the scope's tenant.
v1::User NewUser(const RequestScope& scope, std::string_view user_id, std::string_view recipe_id,
                 std::string_view email, int64_t time_joined_ms, bool verified);

}  // namespace gatehouse::users
