#pragma once

#include "libs/rpc/policy.h"

namespace gatehouse::passwordless {

// Who may call each method of PasswordlessService.
rpc::Policy PasswordlessPolicy();

}  // namespace gatehouse::passwordless
