#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "libs/host/component.h"

namespace gatehouse::accounts {

// The accounts service, wired. Calls users, session, and the services that keep users' data or
// credentials according to the table of services.
absl::StatusOr<std::unique_ptr<host::Component>> MakeAccountsComponent(
    host::Environment& environment);

}  // namespace gatehouse::accounts
