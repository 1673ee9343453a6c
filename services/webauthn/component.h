#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "libs/host/component.h"

namespace gatehouse::webauthn {

// The webauthn service, wired. Calls users.
absl::StatusOr<std::unique_ptr<host::Component>> MakeWebauthnComponent(
    host::Environment& environment);

}  // namespace gatehouse::webauthn
