#include "services/accounts/bulkimport/user_source.h"

#include <memory>
#include <utility>

#include "libs/base/status.h"

namespace gatehouse::accounts {
namespace {

// Each costs a call to the tenants service.
constexpr int kMaxLookUps = 20;

}  // namespace

absl::StatusOr<UserReader::App> AppForReading(const tenancy::TenantDirectory& directory,
                                              roles::v1::RolesService& roles,
                                              rpc::CallContext context,
                                              const tenancy::TenantPtr& app, int64_t now_ms) {
  UserReader::App read;
  read.tenant = app;
  read.now_ms = now_ms;
  roles::v1::ListRolesRequest list;
  *list.mutable_scope() = app->scope();
  ASSIGN_OR_RETURN(const roles::v1::ListRolesResponse known, roles.ListRoles(context, list));
  read.roles.insert(known.roles().begin(), known.roles().end());
  read.find_tenant = [&directory, app, deadline = context.deadline,
                      look_ups = std::make_shared<int>(kMaxLookUps)](
                         const std::string& tenant_id) -> absl::StatusOr<tenancy::TenantPtr> {
    common::v1::Scope scope = app->scope();
    scope.set_tenant_id(tenant_id);
    absl::StatusOr<tenancy::TenantPtr> found = directory.Find(scope);
    if (ReasonOf(found.status()) == ErrorReason::kTenantNotFound && (*look_ups)-- > 0) {
      found = directory.Find(scope, deadline);
    }
    if (ReasonOf(found.status()) == ErrorReason::kTenantNotFound) return tenancy::TenantPtr();
    return found;
  };
  return read;
}

}  // namespace gatehouse::accounts
