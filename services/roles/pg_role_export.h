#pragma once

#include <string_view>

#include "absl/status/status.h"
#include "libs/porting/exported_user.h"

namespace gatehouse::db {
class Transaction;
}

namespace gatehouse::roles {

// For porting::UserExport: the roles of the page's users.
absl::Status AddRolesForExport(db::Transaction& transaction, std::string_view app_id,
                               porting::ExportPage& page);

}  // namespace gatehouse::roles
