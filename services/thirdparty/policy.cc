#include "services/thirdparty/policy.h"

namespace gatehouse::thirdparty {

using rpc::callers::kAccounts;
using rpc::callers::kClient;
using rpc::callers::kGateway;

rpc::Policy ThirdPartyPolicy() {
  return {
      {.method = "SignInOrUp", .callers = {kGateway, kClient}},
      {.method = "GetUserById", .callers = {kGateway, kClient}},
      {.method = "GetUserByIdentity", .callers = {kGateway, kClient}},
      {.method = "ListUsersByEmail", .callers = {kGateway, kClient}},
      {.method = "RemoveUser", .callers = {kAccounts}},
  };
}

}  // namespace gatehouse::thirdparty
