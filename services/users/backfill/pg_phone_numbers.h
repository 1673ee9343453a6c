#pragma once

#include "absl/status/status.h"
#include "libs/db/database.h"

namespace gatehouse::users {

// Writes the phone numbers of the given users (by position) as they are looked for: cores before
// 7.0.12 kept them as they came, blanks and all, and nobody could sign in with such a one any more.
absl::Status NormalisePhoneNumbers(db::Transaction& transaction, const db::TextArray& apps,
                                   const db::TextArray& users);

}  // namespace gatehouse::users
