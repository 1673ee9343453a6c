#include "libs/rpc/grpc_outgoing_calls.h"

#include <grpcpp/client_context.h>

namespace gatehouse::rpc {

void OutgoingCalls::CancelAll() {
  const std::lock_guard lock(mutex_);
  cancelled_ = true;
  for (grpc::ClientContext* context : calls_) context->TryCancel();
}

OutgoingCalls::Entry::Entry(OutgoingCalls* calls, grpc::ClientContext& context)
    : calls_(calls), context_(context) {
  if (calls_ == nullptr) return;
  const std::lock_guard lock(calls_->mutex_);
  if (calls_->cancelled_) context_.TryCancel();
  calls_->calls_.insert(&context_);
}

OutgoingCalls::Entry::~Entry() {
  if (calls_ == nullptr) return;
  const std::lock_guard lock(calls_->mutex_);
  calls_->calls_.erase(&context_);
}

}  // namespace gatehouse::rpc
