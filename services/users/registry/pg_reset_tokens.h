#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace gatehouse::db {
class Transaction;
}

namespace gatehouse::users {

// A password-reset token opens its user's account to anyone who reads the mailbox it was sent to:
// when a user loses an email, tokens sent there end. The user must be locked (LockUsers), and its
// rows in the registry must still contain the old email. User ids are internal.

// For a login method whose email changes: its own tokens, and those that EndResetTokensOfGroup
// ends.
absl::Status EndResetTokens(db::Transaction& transaction, std::string_view app_id,
                            std::string_view user_id, const std::optional<std::string>& primary_id);

// For a login method that leaves its group, or loses its email: the primary user's tokens for that
// email, unless another member has it too.
absl::Status EndResetTokensOfGroup(db::Transaction& transaction, std::string_view app_id,
                                   std::string_view user_id, std::string_view primary_id);

}  // namespace gatehouse::users
