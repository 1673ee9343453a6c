#include "services/thirdparty/policy.h"

namespace gatehouse::thirdparty {

using rpc::callers::kClient;
using rpc::callers::kGateway;

rpc::Policy ThirdPartyPolicy() {
  return {
      {.method = "SignInOrUp", .callers = {kGateway, kClient}},
      {.method = "GetUserById", .callers = {kGateway, kClient}},
      {.method = "GetUserByIdentity", .callers = {kGateway, kClient}},
      {.method = "ListUsersByEmail", .callers = {kGateway, kClient}},
  };
}

}  // namespace gatehouse::thirdparty
