#pragma once

#include <optional>

#include "absl/status/statusor.h"
#include "gatehouse/users/v1/user.pb.h"
#include "libs/base/clock.h"
#include "services/users/registry/pg_user_store.h"

namespace gatehouse::users {

struct SignedInOrUp {
  bool created = false;
  v1::User user;
  v1::LoginMethod method;  // the one that signed in
};

// Finds the tenant's user with a login method of this key, or registers a new one. A known one's
// email is brought up to date; nullopt when that may not be, since the email is another primary
// user's. Two at once give one user. A known user costs one statement, and one more the first time
// that its email is marked verified. Errors as RowsOf.
absl::StatusOr<std::optional<SignedInOrUp>> SignInOrUp(PgUserStore& store, const Clock& clock,
                                                       const Where& scope, const Identity& identity,
                                                       bool email_verified);

}  // namespace gatehouse::users
