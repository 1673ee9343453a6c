#pragma once

#include "libs/rpc/policy.h"

namespace gatehouse::jwks {

// The callers that each method of JwksService accepts. Private halves only go to services that
// sign.
inline rpc::Policy JwksServicePolicy() {
  namespace callers = rpc::callers;
  return {
      {"GetPublicKeys", {callers::kGateway, callers::kClient, callers::kOAuth}},
      {"GetSigningKeys", {callers::kSession}},
      {"CreateJwt", {callers::kGateway, callers::kClient, callers::kOAuth}},
  };
}

}  // namespace gatehouse::jwks
