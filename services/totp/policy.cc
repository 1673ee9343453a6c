#include "services/totp/policy.h"

namespace gatehouse::totp {

using rpc::callers::kAccounts;
using rpc::callers::kClient;
using rpc::callers::kGateway;

rpc::Policy TotpPolicy() {
  return {
      {.method = "CreateDevice", .callers = {kGateway, kClient}},
      {.method = "ImportDevice", .callers = {kGateway, kClient}},
      {.method = "ImportDevices", .callers = {kAccounts}},
      {.method = "RenameDevice", .callers = {kGateway, kClient}},
      {.method = "ListDevices", .callers = {kGateway, kClient}},
      {.method = "RemoveDevice", .callers = {kGateway, kClient}},
      {.method = "ListDeviceStatus", .callers = {kGateway, kClient}},
      {.method = "VerifyDevice", .callers = {kGateway, kClient}},
      {.method = "VerifyCode", .callers = {kGateway, kClient}},
  };
}

}  // namespace gatehouse::totp
