#pragma once

#include "libs/host/component.h"

namespace gatehouse::users {

// The users service: registry, email and password, listing.
absl::StatusOr<std::unique_ptr<host::Component>> MakeUsersComponent(host::Environment& environment);

}  // namespace gatehouse::users
