#pragma once

#include "absl/status/status.h"
#include "libs/db/database.h"

namespace gatehouse::users {

// Normalises the phone numbers of the given users (by position): cores before 7.0.12 stored them
// unchanged, including blanks, and nobody could sign in with such a number any more.
absl::Status NormalisePhoneNumbers(db::Transaction& transaction, const db::TextArray& apps,
                                   const db::TextArray& users);

}  // namespace gatehouse::users
