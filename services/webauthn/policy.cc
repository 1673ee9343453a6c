#include "services/webauthn/policy.h"

namespace gatehouse::webauthn {

using rpc::callers::kClient;
using rpc::callers::kGateway;

rpc::Policy WebauthnPolicy() {
  return {
      {.method = "CreateRegistrationOptions", .callers = {kGateway, kClient}},
      {.method = "CreateSignInOptions", .callers = {kGateway, kClient}},
      {.method = "GetOptions", .callers = {kGateway, kClient}},
      {.method = "RemoveOptions", .callers = {kGateway, kClient}},
      {.method = "SignUp", .callers = {kGateway, kClient}},
      {.method = "SignIn", .callers = {kGateway, kClient}},
      {.method = "RegisterCredential", .callers = {kGateway, kClient}},
      {.method = "ListCredentials", .callers = {kGateway, kClient}},
      {.method = "GetCredential", .callers = {kGateway, kClient}},
      {.method = "RemoveCredential", .callers = {kGateway, kClient}},
      {.method = "CreateRecoveryToken", .callers = {kGateway, kClient}},
      {.method = "GetRecoveryUser", .callers = {kGateway, kClient}},
      {.method = "ConsumeRecoveryToken", .callers = {kGateway, kClient}},
      {.method = "UpdateEmail", .callers = {kGateway, kClient}},
  };
}

}  // namespace gatehouse::webauthn
