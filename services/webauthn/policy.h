#pragma once

#include "libs/rpc/policy.h"

namespace gatehouse::webauthn {

// The callers that each method of WebauthnService accepts.
rpc::Policy WebauthnPolicy();

}  // namespace gatehouse::webauthn
