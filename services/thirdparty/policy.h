#pragma once

#include "libs/rpc/policy.h"

namespace gatehouse::thirdparty {

// Who may call each method of ThirdPartyService.
rpc::Policy ThirdPartyPolicy();

}  // namespace gatehouse::thirdparty
