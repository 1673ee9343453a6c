#pragma once

#include "libs/rpc/policy.h"

namespace gatehouse::thirdparty {

// The callers that each method of ThirdPartyService accepts.
rpc::Policy ThirdPartyPolicy();

}  // namespace gatehouse::thirdparty
