#pragma once

#include <string_view>
#include <vector>

namespace gatehouse::rpc {

// The names that callers go by. A certificate's common name, or the name that a process on a
// Unix socket states, is one of these.
namespace callers {
inline constexpr std::string_view kGateway = "gateway";
inline constexpr std::string_view kClient = "client";  // an application's own gRPC client
inline constexpr std::string_view kTenants = "tenants";
inline constexpr std::string_view kJwks = "jwks";
inline constexpr std::string_view kUsers = "users";
inline constexpr std::string_view kThirdParty = "thirdparty";
inline constexpr std::string_view kPasswordless = "passwordless";
inline constexpr std::string_view kSession = "session";
inline constexpr std::string_view kRoles = "roles";
inline constexpr std::string_view kAccounts = "accounts";
}  // namespace callers

// Who may call one RPC method, as data. A method without a row may be called by nobody.
struct PolicyRow {
  std::string_view method;                 // "CreateSession"
  std::vector<std::string_view> callers;
  bool never_blocks = false;               // may run on an I/O thread: no SQL, no call, no hashing
};

using Policy = std::vector<PolicyRow>;

}  // namespace gatehouse::rpc
