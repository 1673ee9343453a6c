#pragma once

#include "libs/rpc/policy.h"
#include "libs/rpc/service.h"

namespace gatehouse::testing {

// Expects (GoogleTest) that `policy` has a row for every method of the service, and that the
// dispatcher, given this policy, lets exactly the callers of a method's row reach it, and answers
// all others (the other services, a stranger, a caller without a name) with kCallerNotAllowed.
// Needs no implementation of the service:
//
//   TEST(RolesPolicyTest, IsEnforced) {
//     ExpectPolicyIsEnforced(v1::RolesService::Info(), RolesPolicy());
//   }
void ExpectPolicyIsEnforced(const rpc::ServiceInfo& service, const rpc::Policy& policy);

}  // namespace gatehouse::testing
