#pragma once

#include <string_view>
#include <vector>

#include "gatehouse/service_callers.h"

namespace gatehouse::rpc {

// The names that callers have beside those of the services, which gatehouse/service_callers.h makes
// from services/services.json. A certificate's common name, or the name that a process on a Unix
// socket states, is one of these.
namespace callers {
inline constexpr std::string_view kGateway = "gateway";
inline constexpr std::string_view kClient = "client";  // an application's own gRPC client
}  // namespace callers

// Who may call one RPC method, as data. A method without a row may be called by nobody.
struct PolicyRow {
  std::string_view method;                 // "CreateSession"
  std::vector<std::string_view> callers;
  bool never_blocks = false;               // may run on an I/O thread: no SQL, no call, no hashing
};

using Policy = std::vector<PolicyRow>;

}  // namespace gatehouse::rpc
