#pragma once

#include <grpcpp/support/status.h>

#include "absl/status/status.h"

namespace gatehouse::rpc {

// Statuses keep their reason across processes: a gatehouse.common.v1.ErrorDetail in a
// google.rpc.Status, as gRPC's clients in all languages expect the details. A status without a
// reason is sent as a bare INTERNAL: its text may contain what only this process's
// log may see.
grpc::Status ToGrpcStatus(const absl::Status& status);

// The reverse. A status that no Gatehouse service made becomes kDependencyDown (unreachable),
// kDeadlineExceeded, or kInternal. A fault of a service is marked as logged there.
absl::Status FromGrpcStatus(const grpc::Status& status);

// Whether a failure is gRPC's own: no Gatehouse service made it.
bool MadeByGrpc(const grpc::Status& status);

}  // namespace gatehouse::rpc
