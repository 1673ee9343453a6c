#include "services/passwordless/policy.h"

namespace gatehouse::passwordless {

using rpc::callers::kClient;
using rpc::callers::kGateway;

rpc::Policy PasswordlessPolicy() {
  return {
      {.method = "CreateCode", .callers = {kGateway, kClient}},
      {.method = "CheckCode", .callers = {kGateway, kClient}},
      {.method = "ConsumeCode", .callers = {kGateway, kClient}},
      {.method = "RemoveCode", .callers = {kGateway, kClient}},
      {.method = "RemoveDevice", .callers = {kGateway, kClient}},
      {.method = "RemoveCodesOfContact", .callers = {kGateway, kClient}},
      {.method = "ListDevices", .callers = {kGateway, kClient}},
      {.method = "GetUserById", .callers = {kGateway, kClient}},
      {.method = "GetUserByContact", .callers = {kGateway, kClient}},
      {.method = "UpdateUser", .callers = {kGateway, kClient}},
  };
}

}  // namespace gatehouse::passwordless
