#pragma once

#include "libs/rpc/policy.h"

namespace gatehouse::dashboard {

// The callers that each method accepts.
rpc::Policy DashboardUserPolicy();
rpc::Policy DashboardSessionPolicy();
rpc::Policy CoreConfigPolicy();

}  // namespace gatehouse::dashboard
