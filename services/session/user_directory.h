#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "libs/base/call_context.h"
#include "libs/base/clock.h"
#include "libs/base/lru_cache.h"
#include "libs/tenancy/tenant_directory.h"
#include "services/session/user_ids.h"

namespace gatehouse::users::v1 {
class RegistryService;
}

namespace gatehouse::session {

// The users, for sessions. Thread-safe.
class UserDirectory {
 public:
  // All must outlive this. Activity is noted once in five minutes per user, unless in test mode.
  UserDirectory(users::v1::RegistryService& registry, const tenancy::TenantDirectory& tenants,
                const Clock& clock, bool test_mode);
  ~UserDirectory();

  // Whether all users of the tenant's app are in one database, the tenant's: then a statement there
  // can say what an id means, and Resolve need not be asked.
  bool AreWith(const tenancy::Tenant& tenant) const;

  // A database that is down is ignored, unless it is the tenant's own.
  absl::StatusOr<UserIds> Resolve(CallContext& context, const tenancy::Tenant& tenant,
                                  std::string_view user_id, bool include_linked = false);

  // Records that the user was active. Best effort, for a second at most: the request continues
  // without it.
  void NoteActivity(CallContext& context, const tenancy::Tenant& tenant,
                    const std::string& supertokens_user_id);

 private:
  struct LastNote;
  users::v1::RegistryService& registry_;
  const tenancy::TenantDirectory& tenants_;
  const Clock& clock_;
  const bool test_mode_;
  LruCache<LastNote> noted_;
};

}  // namespace gatehouse::session
