#pragma once

#include "libs/rpc/policy.h"

namespace gatehouse::session {

// The callers that each method of SessionService accepts.
inline rpc::Policy SessionServicePolicy() {
  namespace callers = rpc::callers;
  const std::vector<std::string_view> outside = {callers::kGateway, callers::kClient};
  return {
      {"CreateSession", outside},
      {"VerifySession", outside},
      {"RefreshSession", outside},
      {"RegenerateSession", outside},
      {"GetSession", {callers::kGateway, callers::kClient, callers::kOAuth}},
      {"UpdateSession", outside},
      {"ListUserSessions", outside},
      {"RevokeSessions", outside},
      {"RevokeUserSessions", outside},
      {"GetHandshake", outside},
  };
}

}  // namespace gatehouse::session
