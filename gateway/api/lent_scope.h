#pragma once

#include "gateway/api/api_request.h"

namespace gatehouse::gateway {

// Makes the request's scope that of `call`, a message with a field `scope`, as long as this lives:
// a copy is four strings, for every call. Both must outlive this, and neither may be on an arena.
template <typename Call>
class LentScope {
 public:
  LentScope(ApiRequest& request, Call& call) : call_(call) {
    call_.unsafe_arena_set_allocated_scope(&request.scope);
  }
  ~LentScope() { (void)call_.unsafe_arena_release_scope(); }
  LentScope(const LentScope&) = delete;
  LentScope& operator=(const LentScope&) = delete;

 private:
  Call& call_;
};

}  // namespace gatehouse::gateway
