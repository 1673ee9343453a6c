#pragma once

#include <memory>
#include <string>

#include "libs/base/call_context.h"
#include "libs/base/clock.h"
#include "libs/base/lru_cache.h"
#include "libs/tenancy/tenant.h"

namespace gatehouse::session::v1 {
class SessionService;
}
namespace gatehouse::users::v1 {
class RegistryService;
}

namespace gatehouse::oauth {

// Who gets tokens for a session is active, as in the original. Thread-safe; bounded.
class SessionActivity {
 public:
  // All outlive this. Noted once in five minutes per session, unless in test mode.
  SessionActivity(session::v1::SessionService& sessions, users::v1::RegistryService& registry,
                  const Clock& clock, bool test_mode);
  ~SessionActivity();

  // Records that the session's user was active; a session that is not there has none. Best effort:
  // the request continues without it.
  void Note(CallContext& context, const tenancy::Tenant& app, const std::string& session_handle);

 private:
  struct LastNote;
  session::v1::SessionService& sessions_;
  users::v1::RegistryService& registry_;
  const Clock& clock_;
  const bool test_mode_;
  LruCache<LastNote> noted_;
};

}  // namespace gatehouse::oauth
