#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "libs/host/component.h"

namespace gatehouse::tenants {

// The tenants service, wired. Makes the base tenant's rows and reads all tenants: the base database
// has to answer and to have its tables.
absl::StatusOr<std::unique_ptr<host::Component>> MakeTenantsComponent(host::Environment& env);

}  // namespace gatehouse::tenants
