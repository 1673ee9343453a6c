#pragma once

#include <string_view>

#include "absl/status/statusor.h"
#include "services/users/registry/identity.h"

namespace gatehouse::db {
class Transaction;
}

namespace gatehouse::users {

// Changes a login method's email, phone number or both in every tenant: in the registry, and in the
// credentials of a login method with a password (formats: 11.3). Locks the user first. Ends the
// password-reset tokens that may have gone to the old email. After any result but kDone the
// transaction must be rolled back: the unique keys that decided may have failed a statement.
// `user_id` is internal; kUnknownUser where it has another recipe.
absl::StatusOr<IdentityChange> ChangeIdentityIn(db::Transaction& transaction, const Where& scope,
                                                std::string_view recipe_id,
                                                std::string_view user_id,
                                                const IdentityUpdate& update);

}  // namespace gatehouse::users
