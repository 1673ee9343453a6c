#pragma once

#include <optional>

#include "absl/status/statusor.h"
#include "gatehouse/users/v1/user.pb.h"
#include "libs/base/clock.h"
#include "services/users/registry/pg_passwordless_store.h"
#include "services/users/registry/pg_user_store.h"

namespace gatehouse::users {

struct PasswordlessSignedIn {
  bool created = false;
  v1::User user;
  v1::LoginMethod method;  // the one that signed in
};

// Finds the tenant's user with a passwordless login method of this contact, or registers a new
// one. Two at once give one user. A known user costs one statement, and one more the first time
// that its email is marked verified.
absl::StatusOr<PasswordlessSignedIn> SignInOrUpPasswordless(
    PgUserStore& users, PgPasswordlessStore& store, const Clock& clock, const RequestScope& scope,
    const AccountInfo& contact, bool mark_email_verified);

}  // namespace gatehouse::users
