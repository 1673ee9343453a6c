#pragma once

#include <grpcpp/client_context.h>
#include <grpcpp/server_context.h>

#include "libs/base/call_context.h"

namespace gatehouse::rpc {

// How a CallContext travels between processes: a metadata entry a field, where the field is not
// empty. The caller's name and the deadline go their own ways (libs/rpc/security.h).
void AddMetadata(const CallContext& context, grpc::ClientContext& call);

// Fills the fields of `context` that AddMetadata sends. What is not harmless is left empty. The
// word of an application's own client (`context.caller`) counts for nothing where its address is
// concerned: that is the peer's.
void ReadMetadata(const grpc::CallbackServerContext& call, CallContext& context);

// Says with the reply that this replica is about to stop, so that its caller looks for others.
// Before the call is finished.
void SayLeaving(grpc::CallbackServerContext& call);
// Whether the reply said so. After the call.
bool SaidLeaving(const grpc::ClientContext& call);

}  // namespace gatehouse::rpc
