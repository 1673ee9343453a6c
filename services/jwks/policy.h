#pragma once

#include "libs/rpc/policy.h"

namespace gatehouse::jwks {

// Who may call what of JwksService. Private halves go to who signs, and to nobody else.
inline rpc::Policy JwksServicePolicy() {
  namespace callers = rpc::callers;
  return {
      {"GetPublicKeys", {callers::kGateway, callers::kClient}},
      {"GetSigningKeys", {callers::kSession}},
      {"CreateJwt", {callers::kGateway, callers::kClient}},
  };
}

}  // namespace gatehouse::jwks
