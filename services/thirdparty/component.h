#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "libs/host/component.h"

namespace gatehouse::thirdparty {

// The thirdparty service, wired. Calls users.
absl::StatusOr<std::unique_ptr<host::Component>> MakeThirdPartyComponent(
    host::Environment& environment);

}  // namespace gatehouse::thirdparty
