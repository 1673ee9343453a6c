#pragma once

#include "libs/rpc/policy.h"

namespace gatehouse::accounts {

// The callers that each method accepts.
rpc::Policy AccountsPolicy();
rpc::Policy BulkImportPolicy();

}  // namespace gatehouse::accounts
