#pragma once

#include <string_view>

#include "absl/status/status.h"
#include "services/users/request_scope.h"

namespace gatehouse::db {
class Transaction;
}

namespace gatehouse::users {

// Deletes a primary user's own login method: its credentials here, its account infos, and what its
// group holds because of it. The id remains, with its data, as that of the group. The user and its
// group's primary are locked (LockUsers). `user_id` is internal.
absl::Status DeleteLoginMethod(db::Transaction& transaction, const Where& scope,
                               std::string_view user_id);

}  // namespace gatehouse::users
