#pragma once

// Private to libs/db.

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "libs/db/database.h"

namespace gatehouse::db {

// See Database::Listen.
absl::StatusOr<std::unique_ptr<Subscription>> StartListener(
    std::string conninfo, std::string channel, std::function<void(const Notification&)> callback);

}  // namespace gatehouse::db
