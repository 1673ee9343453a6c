#pragma once

// Private to libs/db.

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "libs/db/database.h"

namespace gatehouse::db {

class Pool;

// See Database::Listen. Takes its connection out of the pool's size. The pool outlives it.
absl::StatusOr<std::unique_ptr<Subscription>> StartListener(
    Pool& pool, std::string channel, std::function<void(const Notification&)> callback);

}  // namespace gatehouse::db
