#pragma once

// The context that travels with a call, through every service and down to the database.

#include <optional>
#include <string>
#include <string_view>

#include "absl/time/time.h"

namespace gatehouse {

// A value, created by the gateway (or a job) for each request and passed on unchanged by handlers.
// A new field needs a row in libs/rpc/grpc_metadata.cc, which does not compile without it.
struct CallContext {
  std::string caller = {};      // of this call: a service's name, "gateway", "client"
  std::string request_id = {};  // one per request at the edge; in every service's log
  absl::Time deadline = absl::InfiniteFuture();  // of SteadyNow()
  // Of the application's server or any other sender of the request, past trusted proxies; without
  // port. Empty for a job, and if a proxy does not tell.
  std::string client_address = {};
  // The trace that the request belongs to, as returned by ParseTraceparent; empty: none.
  std::string traceparent = {};

  // The context of a call that `next_caller` makes while it handles this one.
  CallContext CalledBy(std::string_view next_caller) const {
    CallContext next = *this;
    next.caller = next_caller;
    return next;
  }
};

// Whether a received id is harmless in logs and headers: at most 64 letters, digits and
// `-_.`, and not empty.
bool IsHarmlessRequestId(std::string_view id);

// The header `traceparent` of W3C Trace Context, in the form of version 00:
// `00-<trace id>-<parent id>-<flags>` in lower case. nullopt for anything else. Fields that a later
// version appends are dropped, as specified.
std::optional<std::string> ParseTraceparent(std::string_view header);

// The 32 hexadecimal digits that all parts of a trace share; "" for "".
std::string_view TraceIdOf(std::string_view traceparent);

// While one lives, the calling thread works for `context`: logs and the database layer take the
// request's id from here, so that no store can forget it. Nests. `context` outlives it.
class CallScope {
 public:
  explicit CallScope(const CallContext& context);
  ~CallScope();
  CallScope(const CallScope&) = delete;
  CallScope& operator=(const CallScope&) = delete;

  // Null: the thread works for no request.
  static const CallContext* Current();

 private:
  const CallContext* const before_;
};

}  // namespace gatehouse
