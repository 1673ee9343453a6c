#include "services/users/policy.h"

namespace gatehouse::users {

using namespace rpc::callers;  // NOLINT: the rows read as a table

rpc::Policy RegistryPolicy() {
  return {
      {"ResolveUserIds", {kSession, kRoles, kThirdParty, kAccounts, kGateway}},
      {"SignInOrUp", {kThirdParty, kPasswordless}},
      {"ChangeIdentity", {kPasswordless}},
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
      {"GetUser", {kGateway, kClient, kThirdParty, kPasswordless, kAccounts}},
      {"FindUsers", {kGateway, kClient, kThirdParty, kPasswordless, kAccounts}},
      {"ListUsers", {kGateway, kClient, kAccounts}},
      {"CountUsers", {kGateway, kClient, kAccounts}},
      {"CountActiveUsers", {kGateway, kClient}},
  };
}

rpc::Policy LinkingPolicy() {
  return {
      {"CheckPrimaryUser", {kGateway, kClient, kAccounts}},
      {"MakePrimaryUser", {kGateway, kClient, kAccounts}},
      {"CheckLink", {kGateway, kClient, kAccounts}},
      {"LinkUsers", {kAccounts}},
      {"UnlinkUser", {kAccounts}},
      {"AddUserToTenant", {kGateway, kClient, kAccounts}},
      {"RemoveUserFromTenant", {kAccounts}},
      {"PlanUserRemoval", {kAccounts}},
      {"RemoveUser", {kAccounts}},
  };
}

rpc::Policy IdMappingPolicy() {
  return {
      {"FindUserIdMapping", {kGateway, kClient, kAccounts}},
      {"SetExternalUserIdInfo", {kGateway, kClient}},
      {"CheckUserIdMapping", {kAccounts}},
      {"CreateUserIdMapping", {kAccounts}},
      {"DeleteUserIdMapping", {kAccounts}},
  };
}

rpc::Policy EmailVerificationPolicy() {
  return {
      {"CreateEmailVerificationToken", {kGateway, kClient}},
      {"VerifyEmail", {kGateway, kClient}},
      {"RevokeEmailVerificationTokens", {kGateway, kClient}},
      {"UnverifyEmail", {kGateway, kClient}},
      {"IsEmailVerified", {kGateway, kClient}},
  };
}

rpc::Policy MetadataPolicy() {
  return {
      {"GetMetadata", {kGateway, kClient}},
      {"ListMetadata", {kGateway, kClient}},
      {"UpdateMetadata", {kGateway, kClient}},
      {"DeleteMetadata", {kGateway, kClient}},
  };
}

}  // namespace gatehouse::users
