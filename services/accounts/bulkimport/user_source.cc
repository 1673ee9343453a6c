#include "services/accounts/bulkimport/user_source.h"

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "libs/base/status.h"

namespace gatehouse::accounts {
namespace {

// Each costs a call to the tenants service.
constexpr int kMaxLookUps = 20;

// The roles of an app, from the first question on.
struct Roles {
  std::mutex mutex;
  std::optional<std::set<std::string>> names;
};

}  // namespace

UserReader::App AppForReading(const tenancy::TenantDirectory& directory,
                              roles::v1::RolesService& roles,
                              std::function<rpc::CallContext()> context,
                              const tenancy::TenantPtr& app, int64_t now_ms) {
  UserReader::App read;
  read.tenant = app;
  read.now_ms = now_ms;
  read.has_role = [&roles, app, context, known = std::make_shared<Roles>()](
                      const std::string& role) -> absl::StatusOr<bool> {
    std::lock_guard lock(known->mutex);
    if (!known->names.has_value()) {
      roles::v1::ListRolesRequest list;
      *list.mutable_scope() = app->scope();
      rpc::CallContext call = context();
      ASSIGN_OR_RETURN(const roles::v1::ListRolesResponse all, roles.ListRoles(call, list));
      known->names.emplace(all.roles().begin(), all.roles().end());
    }
    return known->names->contains(role);
  };
  read.find_tenant = [&directory, app, context,
                      look_ups = std::make_shared<std::atomic<int>>(kMaxLookUps)](
                         const std::string& tenant_id) -> absl::StatusOr<tenancy::TenantPtr> {
    common::v1::Scope scope = app->scope();
    scope.set_tenant_id(tenant_id);
    absl::StatusOr<tenancy::TenantPtr> found = directory.Find(scope);
    if (ReasonOf(found.status()) == ErrorReason::kTenantNotFound && (*look_ups)-- > 0) {
      found = directory.Find(scope, context().deadline);
    }
    if (ReasonOf(found.status()) == ErrorReason::kTenantNotFound) return tenancy::TenantPtr();
    return found;
  };
  return read;
}

}  // namespace gatehouse::accounts
