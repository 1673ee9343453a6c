#include "services/session/session_parts.h"

#include <string>

#include "libs/base/status.h"

namespace gatehouse::session {

absl::StatusOr<tenancy::TenantPtr> TenantOfApp(const SessionParts& parts,
                                               const CallContext& context,
                                               const common::v1::Scope& scope,
                                               std::string_view tenant_id) {
  return parts.directory.FindNamed(scope, tenant_id, context.deadline);
}

absl::StatusOr<bool> IsOfItsUser(const SessionParts& parts, CallContext& context,
                                 const tenancy::Tenant& tenant, const AccessToken& token,
                                 std::string_view session_user_id) {
  if (token.recipe_user_id != session_user_id) return false;
  ASSIGN_OR_RETURN(const UserIds user, parts.users.Resolve(context, tenant, session_user_id));
  return token.user_id == user.user_id;
}

}  // namespace gatehouse::session
