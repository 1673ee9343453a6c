#include "services/roles/policy.h"

namespace gatehouse::roles {

using rpc::callers::kAccounts;
using rpc::callers::kClient;
using rpc::callers::kGateway;

rpc::Policy RolesPolicy() {
  return {
      {.method = "UpsertRole", .callers = {kGateway, kClient}},
      {.method = "DeleteRole", .callers = {kGateway, kClient}},
      {.method = "ListRoles", .callers = {kGateway, kClient, kAccounts}},
      {.method = "ListRolePermissions", .callers = {kGateway, kClient}},
      {.method = "RemoveRolePermissions", .callers = {kGateway, kClient}},
      {.method = "ListRolesWithPermission", .callers = {kGateway, kClient}},
      {.method = "AssignRole", .callers = {kGateway, kClient}},
      {.method = "AssignRoles", .callers = {kAccounts}},
      {.method = "UnassignRole", .callers = {kGateway, kClient}},
      {.method = "ListUserRoles", .callers = {kGateway, kClient}},
      {.method = "ListRoleUsers", .callers = {kGateway, kClient}},
  };
}

}  // namespace gatehouse::roles
