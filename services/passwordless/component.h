#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "libs/host/component.h"

namespace gatehouse::passwordless {

// The passwordless service, wired. Calls users.
absl::StatusOr<std::unique_ptr<host::Component>> MakePasswordlessComponent(
    host::Environment& environment);

}  // namespace gatehouse::passwordless
