#pragma once

#include "libs/rpc/policy.h"

namespace gatehouse::passwordless {

// The callers that each method of PasswordlessService accepts.
rpc::Policy PasswordlessPolicy();

}  // namespace gatehouse::passwordless
