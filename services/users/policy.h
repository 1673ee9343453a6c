#pragma once

#include "libs/rpc/policy.h"

namespace gatehouse::users {

// Who may call what.
rpc::Policy RegistryPolicy();
rpc::Policy EmailPasswordPolicy();
rpc::Policy UserDirectoryPolicy();

}  // namespace gatehouse::users
