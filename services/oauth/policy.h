#pragma once

#include "libs/rpc/policy.h"

namespace gatehouse::oauth {

// The callers that each method accepts.
rpc::Policy OAuthClientPolicy();
rpc::Policy OAuthFlowPolicy();
rpc::Policy OAuthLogoutPolicy();
rpc::Policy OAuthTokenPolicy();

}  // namespace gatehouse::oauth
