#pragma once

#include <string_view>

#include "absl/status/status.h"
#include "libs/porting/exported_user.h"

namespace gatehouse::db {
class Transaction;
}

namespace gatehouse::users {

// For porting::UserExport::list: users with their login methods, password hashes, ids and metadata.
// FailedPrecondition when the registry lacks users of an older core.
absl::Status ListForExport(db::Transaction& transaction, std::string_view app_id,
                           std::string_view after, int limit, porting::ExportPage& page);

}  // namespace gatehouse::users
