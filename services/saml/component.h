#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "libs/host/component.h"

namespace gatehouse::saml {

// The saml service, wired. Calls tenants, which keeps the key that it signs with.
absl::StatusOr<std::unique_ptr<host::Component>> MakeSamlComponent(host::Environment& environment);

}  // namespace gatehouse::saml
