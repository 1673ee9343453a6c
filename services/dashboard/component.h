#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "libs/host/component.h"

namespace gatehouse::dashboard {

// The dashboard service, wired: who may use the user dashboard, their sessions, and the
// configuration that it shows. Calls no other service.
absl::StatusOr<std::unique_ptr<host::Component>> MakeDashboardComponent(
    host::Environment& environment);

}  // namespace gatehouse::dashboard
