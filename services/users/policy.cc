#include "services/users/policy.h"

namespace gatehouse::users {

using namespace rpc::callers;  // NOLINT: the rows read as a table

rpc::Policy RegistryPolicy() {
  return {
      {"ResolveUserIds", {kSession, kTotp, kOAuth, kAccounts}},
      {"SignInOrUp", {kThirdParty, kPasswordless, kWebauthn}},
      {"ChangeIdentity", {kPasswordless, kWebauthn}},
      {"RecordActivity", {kSession, kWebauthn, kOAuth}},
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
      {"ImportPasswordHash", {kGateway, kClient}},
  };
}

rpc::Policy UserDirectoryPolicy() {
  return {
      {"GetUser", {kGateway, kClient, kThirdParty, kPasswordless, kWebauthn}},
      {"FindUsers", {kGateway, kClient, kThirdParty, kPasswordless, kWebauthn}},
      {"ListUsers", {kGateway, kClient}},
      {"CountUsers", {kGateway, kClient}},
      {"CountActiveUsers", {kGateway, kClient}},
  };
}

rpc::Policy UserImportPolicy() { return {{"ImportUsers", {kAccounts}}}; }

rpc::Policy LinkingPolicy() {
  return {
      {"CheckPrimaryUser", {kGateway, kClient}},
      {"MakePrimaryUser", {kGateway, kClient}},
      {"CheckLink", {kGateway, kClient, kAccounts}},
      {"LinkUsers", {kAccounts}},
      {"UnlinkUser", {kAccounts}},
      {"AddUserToTenant", {kGateway, kClient}},
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
