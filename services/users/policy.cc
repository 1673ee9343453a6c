#include "services/users/policy.h"

namespace gatehouse::users {

using namespace rpc::callers;  // NOLINT: the rows read as a table

rpc::Policy RegistryPolicy() {
  return {
      {"ResolveUserIds", {kSession, kRoles, kThirdParty, kAccounts, kGateway}},
      {"SignInOrUpThirdParty", {kThirdParty}},
      {"RecordActivity", {kSession, kThirdParty, kAccounts}},
  };
}

rpc::Policy EmailPasswordPolicy() {
  return {
      {"SignUp", {kGateway, kClient}},
      {"SignIn", {kGateway, kClient}},
      {"UpdateEmailOrPassword", {kGateway, kClient}},
      {"CreatePasswordResetToken", {kGateway, kClient}},
      {"ResetPassword", {kGateway, kClient}},
      {"ConsumePasswordResetToken", {kGateway, kClient}},
      {"ImportPasswordHash", {kGateway, kClient, kAccounts}},
  };
}

rpc::Policy UserDirectoryPolicy() {
  return {
      {"GetUser", {kGateway, kClient, kThirdParty, kAccounts}},
      {"FindUsers", {kGateway, kClient, kThirdParty, kAccounts}},
      {"ListUsers", {kGateway, kClient, kAccounts}},
      {"CountUsers", {kGateway, kClient, kAccounts}},
      {"CountActiveUsers", {kGateway, kClient}},
  };
}

}  // namespace gatehouse::users
