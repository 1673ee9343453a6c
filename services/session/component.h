#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "libs/host/component.h"

namespace gatehouse::session {

// The session service, wired.
absl::StatusOr<std::unique_ptr<host::Component>> MakeSessionComponent(
    host::Environment& environment);

}  // namespace gatehouse::session
