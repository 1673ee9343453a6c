#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/base/call_context.h"
#include "libs/base/clock.h"
#include "libs/base/lru_cache.h"
#include "libs/tenancy/tenant_directory.h"

namespace gatehouse::users::v1 {
class RegistryService;
}

namespace gatehouse::session {

// The meaning of a user id. If no user has the id, every member is that id.
struct UserIds {
  std::string recipe_user_id;               // external form where mapped
  std::string user_id;                      // the primary user's, external form where mapped
  std::string supertokens_user_id;          // internal form of the login method
  std::string primary_supertokens_user_id;  // internal form of user_id
  // Of the other login methods of the primary user, external form where mapped.
  std::vector<std::string> linked_recipe_user_ids;
  std::string database_tenant_id;  // a tenant in whose database the user is; empty: no such user
};

// The users, for sessions. Thread-safe.
class UserDirectory {
 public:
  // Both must outlive this. Activity is noted once in five minutes per user, unless in test mode.
  UserDirectory(users::v1::RegistryService& registry, const Clock& clock, bool test_mode);
  ~UserDirectory();

  // A database that is down is ignored, unless it is the tenant's own.
  absl::StatusOr<UserIds> Resolve(CallContext& context, const tenancy::Tenant& tenant,
                                  std::string_view user_id, bool include_linked = false);

  // Records that the user was active. Best effort: the request continues without it.
  void NoteActivity(CallContext& context, const tenancy::Tenant& tenant,
                    const std::string& supertokens_user_id);

 private:
  struct LastNote;
  users::v1::RegistryService& registry_;
  const Clock& clock_;
  const bool test_mode_;
  LruCache<LastNote> noted_;
};

}  // namespace gatehouse::session
