#include "services/accounts/policy.h"

namespace gatehouse::accounts {

using rpc::callers::kClient;
using rpc::callers::kGateway;

rpc::Policy AccountsPolicy() {
  return {
      {"LinkAccounts", {kGateway, kClient}},        {"UnlinkAccount", {kGateway, kClient}},
      {"RemoveUser", {kGateway, kClient}},          {"RemoveUserFromTenant", {kGateway, kClient}},
      {"CreateUserIdMapping", {kGateway, kClient}}, {"DeleteUserIdMapping", {kGateway, kClient}},
  };
}

rpc::Policy BulkImportPolicy() {
  return {
      {"AddUsers", {kGateway, kClient}},   {"ListUsers", {kGateway, kClient}},
      {"CountUsers", {kGateway, kClient}}, {"RemoveUsers", {kGateway, kClient}},
      {"ImportUser", {kGateway, kClient}},
  };
}

}  // namespace gatehouse::accounts
