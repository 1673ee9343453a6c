#pragma once

#include "libs/rpc/policy.h"

namespace gatehouse::rpc {

// Who may call what of UserDataService and CredentialsService, whichever service offers them.
inline Policy UserDataPolicy() {
  return {
      {"RemoveUsers", {callers::kAccounts}},
      {"RemoveUserFromTenant", {callers::kAccounts}},
      {"IsUserIdInUse", {callers::kAccounts}},
  };
}

inline Policy CredentialsPolicy() {
  return {
      {"RemoveCredentials", {callers::kAccounts}},
      {"ImportCredentials", {callers::kAccounts}},
  };
}

}  // namespace gatehouse::rpc
