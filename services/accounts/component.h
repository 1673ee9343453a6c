#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "libs/host/component.h"

namespace gatehouse::accounts {

// The accounts service, wired. Calls users, session, and whoever keeps users' data or credentials
// by the table of services.
absl::StatusOr<std::unique_ptr<host::Component>> MakeAccountsComponent(
    host::Environment& environment);

}  // namespace gatehouse::accounts
