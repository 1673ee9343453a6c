#pragma once

#include <string>

#include "libs/rpc/policy.h"
#include "libs/rpc/service.h"

namespace gatehouse::testing {

// Expects (GoogleTest) that `policy` is, line by line, what services/<service>/policies.golden
// says, that every method of the service has a line there, that the table of services declares the
// calls, and that the dispatcher, given this policy, lets exactly the callers of a method's line
// reach it, and answers all others (the other services, a stranger, a caller without a name)
// with kCallerNotAllowed. Needs no implementation of the service. A line reads
//
//   gatehouse.roles.v1.RolesService/UpsertRole: client gateway
//
// with callers in alphabetical order, or `every-process` for the gateway and all services, and `
// [never blocks]` at the end of such a method's line. tests/checks/grants.py checks that callers do
// call.
//
//   TEST(RolesPolicyTest, IsEnforced) {
//     ExpectPolicyIsEnforced(v1::RolesService::Info(), RolesPolicy());
//   }
//
// `offered_by` is the service that offers it, where its name is not part of that of `service`:
// "session" for the shared gatehouse.common.v1.UserDataService.
void ExpectPolicyIsEnforced(const rpc::ServiceInfo& service, const rpc::Policy& policy,
                            const std::string& offered_by = "");

}  // namespace gatehouse::testing
