#pragma once

#include "libs/rpc/policy.h"

namespace gatehouse::roles {

// The callers that each method of RolesService accepts.
rpc::Policy RolesPolicy();

}  // namespace gatehouse::roles
