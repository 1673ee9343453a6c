#pragma once

#include <grpcpp/client_context.h>
#include <grpcpp/server_context.h>

#include "libs/base/call_context.h"

namespace gatehouse::rpc {

// How a CallContext travels between processes: one metadata entry per field that is not empty. The
// caller's name and the deadline are sent separately (libs/rpc/security.h).
void AddMetadata(const CallContext& context, grpc::ClientContext& call);

// Fills the fields of `context` that AddMetadata sends. Values that are not harmless are left
// empty. An application's own client (`context.caller`) can't state its address: that is the
// peer's.
void ReadMetadata(const grpc::CallbackServerContext& call, CallContext& context);

// Says with the reply that this replica is about to stop, so that its caller looks for others.
// Before the call is finished.
void SayLeaving(grpc::CallbackServerContext& call);
// Whether the reply said so. After the call.
bool SaidLeaving(const grpc::ClientContext& call);

}  // namespace gatehouse::rpc
