#pragma once

#include "libs/rpc/policy.h"

namespace gatehouse::totp {

// The callers that each method of TotpService accepts.
rpc::Policy TotpPolicy();

}  // namespace gatehouse::totp
