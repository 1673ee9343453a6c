#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "libs/host/component.h"

namespace gatehouse::jwks {

// The jwks service, wired.
absl::StatusOr<std::unique_ptr<host::Component>> MakeJwksComponent(host::Environment& environment);

}  // namespace gatehouse::jwks
