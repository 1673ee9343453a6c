#pragma once

#include <string_view>

#include "absl/status/statusor.h"
#include "services/users/registry/pg_user_store.h"

namespace gatehouse::db {
class Transaction;
}

namespace gatehouse::users {

// Changes an email-password or third-party login method's email in the registry and in the tables
// of email and password, in every tenant (formats: 11.3 "change email"). Locks the user first. Ends
// the password-reset tokens that may have gone to the old email.
// After any outcome but kDone the transaction must be rolled back: the unique keys that decided
// may have failed a statement. `user_id` is internal.
absl::StatusOr<EmailChange> ChangeEmailIn(db::Transaction& transaction, const RequestScope& scope,
                                          std::string_view user_id, std::string_view email);

}  // namespace gatehouse::users
