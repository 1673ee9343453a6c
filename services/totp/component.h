#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "libs/host/component.h"

namespace gatehouse::totp {

// The totp service, wired. Calls users, for apps whose tenants are in several databases.
absl::StatusOr<std::unique_ptr<host::Component>> MakeTotpComponent(host::Environment& environment);

}  // namespace gatehouse::totp
