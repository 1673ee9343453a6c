#pragma once

#include <optional>
#include <string_view>

#include "absl/status/statusor.h"
#include "services/users/registry/pg_passwordless_store.h"

namespace gatehouse::db {
class Transaction;
}

namespace gatehouse::users {

// Changes a passwordless login method's email, phone number or both in the registry, in every
// tenant (formats: 11.3). Locks the user first. After any result but kDone the transaction must be
// rolled back: the unique keys that decided may have failed a statement. `user_id` is internal.
absl::StatusOr<ContactChange> ChangeContactIn(db::Transaction& transaction,
                                              const RequestScope& scope, std::string_view user_id,
                                              const std::optional<ContactUpdate>& email,
                                              const std::optional<ContactUpdate>& phone_number);

}  // namespace gatehouse::users
