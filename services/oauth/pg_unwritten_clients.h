#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace gatehouse::db {
class Database;
}

namespace gatehouse::oauth {

// Names to `progress` each client that an original has left without metadata: its redirect URIs and
// most other fields are in the Hydra behind that, so it has to be PUT again. Returns their number.
absl::StatusOr<int64_t> NameUnwrittenClients(
    db::Database& database, absl::Time deadline,
    const std::function<void(std::string_view)>& progress);

}  // namespace gatehouse::oauth
