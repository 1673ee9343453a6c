#pragma once

#include <string_view>

#include "absl/status/status.h"
#include "libs/porting/exported_user.h"

namespace gatehouse::db {
class Transaction;
}

namespace gatehouse::totp {

// For porting::UserExport: the devices that the page's users have verified. An import makes every
// device a verified one: it would lock out a user who never finished setting one up.
absl::Status AddDevicesForExport(db::Transaction& transaction, std::string_view app_id,
                                 porting::ExportPage& page);

}  // namespace gatehouse::totp
