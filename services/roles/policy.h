#pragma once

#include "libs/rpc/policy.h"

namespace gatehouse::roles {

// Who may call each method of RolesService.
rpc::Policy RolesPolicy();

}  // namespace gatehouse::roles
