#pragma once

#include "libs/rpc/policy.h"

namespace gatehouse::accounts {

// Who may call what.
rpc::Policy AccountsPolicy();

}  // namespace gatehouse::accounts
