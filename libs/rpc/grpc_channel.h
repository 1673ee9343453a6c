#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "libs/rpc/grpc_outgoing_calls.h"
#include "libs/rpc/security.h"
#include "libs/rpc/service.h"

namespace gatehouse::rpc {

// A channel to `service` at `address` ("host:port" or "unix:/path"), calling as `caller`. Connects
// in the background, and reconnects after a break, within half a second of the peer's return. An
// unreachable peer, or with certificates one that is not named `service` in its own (as common name
// or DNS name), is kDependencyDown at once, never a wait. BAD_INPUT when a TCP address would be
// dialled without certificates. `calls`, if given, outlives the channel and can end its calls.
absl::StatusOr<std::unique_ptr<Channel>> MakeGrpcChannel(const std::string& address,
                                                         const std::string& service,
                                                         const std::string& caller,
                                                         const TransportSecurity& security,
                                                         OutgoingCalls* calls = nullptr);

}  // namespace gatehouse::rpc
