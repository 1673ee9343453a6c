#include "services/dashboard/policy.h"

namespace gatehouse::dashboard {

using rpc::callers::kClient;
using rpc::callers::kGateway;

rpc::Policy DashboardUserPolicy() {
  return {
      {.method = "CreateUser", .callers = {kGateway, kClient}},
      {.method = "UpdateUser", .callers = {kGateway, kClient}},
      {.method = "DeleteUser", .callers = {kGateway, kClient}},
      {.method = "ListUsers", .callers = {kGateway, kClient}},
      {.method = "SignIn", .callers = {kGateway, kClient}},
  };
}

rpc::Policy DashboardSessionPolicy() {
  return {
      {.method = "VerifySession", .callers = {kGateway, kClient}},
      {.method = "RevokeSession", .callers = {kGateway, kClient}},
      {.method = "ListSessions", .callers = {kGateway, kClient}},
  };
}

rpc::Policy CoreConfigPolicy() {
  return {
      {.method = "ListCoreConfig", .callers = {kGateway, kClient}},
  };
}

}  // namespace gatehouse::dashboard
