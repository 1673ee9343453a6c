#pragma once

#include <string_view>

#include "absl/status/statusor.h"
#include "gatehouse/common/v1/scope.pb.h"
#include "libs/activity/activity_log.h"
#include "libs/base/call_context.h"
#include "libs/base/clock.h"
#include "libs/tenancy/tenant_directory.h"
#include "services/session/access_token.h"
#include "services/session/key_cache.h"
#include "services/session/master_keys.h"
#include "services/session/session_store.h"
#include "services/session/untold_rotations.h"
#include "services/session/user_directory.h"

namespace gatehouse::session {

// What the rules of sessions work with: all state is in the store and in bounded caches, and each
// part is thread-safe, so that the rules are. All must outlive the service.
struct SessionParts {
  tenancy::TenantDirectory& directory;
  SessionStore& store;
  KeyCache& keys;
  MasterKeys& master_keys;
  UserDirectory& users;
  UntoldRotations& untold;
  activity::ActivityLog& activities;
  const Clock& clock;
};

// The tenant of the scope's app that a token or a handle names.
absl::StatusOr<tenancy::TenantPtr> TenantOfApp(const SessionParts& parts,
                                               const CallContext& context,
                                               const common::v1::Scope& scope,
                                               std::string_view tenant_id);

// Whether `token` belongs to the session's user: required of a token without the marks of a
// session's own token to count as the session's.
absl::StatusOr<bool> IsOfItsUser(const SessionParts& parts, CallContext& context,
                                 const tenancy::Tenant& tenant, const AccessToken& token,
                                 std::string_view session_user_id);

}  // namespace gatehouse::session
