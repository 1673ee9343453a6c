#pragma once

#include <mutex>
#include <unordered_set>

namespace grpc {
class ClientContext;
}

namespace gatehouse::rpc {

// The calls to other processes that are under way, so that the end of this process can end them:
// a call's deadline can't be brought forward. Thread-safe. Outlives the channels that use
// it.
class OutgoingCalls {
 public:
  // Cancels the calls under way and each later one, at once.
  void CancelAll();

  // For a channel: a call that begins, for as long as this object lives.
  class Entry {
   public:
    Entry(OutgoingCalls* calls, grpc::ClientContext& context);
    ~Entry();
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;

   private:
    OutgoingCalls* const calls_;
    grpc::ClientContext& context_;
  };

 private:
  std::mutex mutex_;
  bool cancelled_ = false;
  std::unordered_set<grpc::ClientContext*> calls_;
};

}  // namespace gatehouse::rpc
