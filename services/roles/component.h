#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "libs/host/component.h"

namespace gatehouse::roles {

// The roles service, wired. Calls no other service.
absl::StatusOr<std::unique_ptr<host::Component>> MakeRolesComponent(host::Environment& environment);

}  // namespace gatehouse::roles
