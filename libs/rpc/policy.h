#pragma once

#include <string_view>
#include <vector>

#include "gatehouse/service_callers.h"

namespace gatehouse::rpc {

// The names of callers other than services, whose names gatehouse/service_callers.h has from
// services/services.json. A certificate's common name, or the name that a process on a Unix socket
// states, is one of these.
namespace callers {
inline constexpr std::string_view kGateway = "gateway";
inline constexpr std::string_view kClient = "client";  // an application's own gRPC client
}  // namespace callers

// The callers of one RPC method, as data. Nobody may call a method without a row.
struct PolicyRow {
  std::string_view method;                 // "CreateSession"
  std::vector<std::string_view> callers;
  bool never_blocks = false;               // may run on an I/O thread: no SQL, no call, no hashing
};

using Policy = std::vector<PolicyRow>;

}  // namespace gatehouse::rpc
