#include "libs/tenancy/ask_databases.h"

#include <algorithm>
#include <string>
#include <utility>

#include "libs/base/status.h"
#include "libs/base/steady_time.h"
#include "libs/base/strings.h"
#include "libs/tenancy/app_databases.h"

namespace gatehouse::tenancy {
namespace {

// A look-up takes milliseconds, and users of the other databases wait for it.
constexpr absl::Duration kPatience = absl::Seconds(2);
constexpr size_t kMaxNamed = 5;

bool DidNotAnswer(const absl::Status& status) {
  const ErrorReason reason = ReasonOf(status);
  return reason == ErrorReason::kDependencyDown || reason == ErrorReason::kDeadlineExceeded;
}

}  // namespace

absl::StatusOr<std::vector<TenantPtr>> AskDatabases(
    const std::vector<TenantPtr>& databases, absl::Time deadline,
    absl::FunctionRef<absl::StatusOr<bool>(const TenantPtr&, absl::Time)> body) {
  std::vector<TenantPtr> missing;
  for (const TenantPtr& database : databases) {
    const bool alone = databases.size() == 1;
    const absl::StatusOr<bool> found =
        body(database, alone ? deadline : std::min(deadline, SteadyNow() + kPatience));
    if (found.ok()) {
      if (*found) return std::vector<TenantPtr>();
      continue;
    }
    if (alone || !DidNotAnswer(found.status()) || SteadyNow() >= deadline) return found.status();
    missing.push_back(database);
  }
  return missing;
}

absl::Status NeedsAll(const std::vector<TenantPtr>& missing) {
  if (missing.empty()) return absl::OkStatus();
  std::string names;
  for (size_t i = 0; i < std::min(missing.size(), kMaxNamed); ++i) {
    names += StrCat(i == 0 ? "'" : ", '", missing[i]->tenant_id, "'");
  }
  if (missing.size() > kMaxNamed) names += ", ...";
  return MakeError(ErrorReason::kDependencyDown,
                   missing.size() == 1
                       ? StrCat("The database of the tenant ", names, " is not available")
                       : StrCat("The databases of the tenants ", names, " are not available"));
}

absl::StatusOr<bool> AnyDatabase(
    const std::vector<TenantPtr>& databases, absl::Time deadline,
    absl::FunctionRef<absl::StatusOr<bool>(const TenantPtr&, absl::Time)> body) {
  bool found = false;
  ASSIGN_OR_RETURN(
      const std::vector<TenantPtr> missing,
      AskDatabases(databases, deadline,
                   [&](const TenantPtr& database, absl::Time until) -> absl::StatusOr<bool> {
                     ASSIGN_OR_RETURN(found, body(database, until));
                     return found;
                   }));
  RETURN_IF_ERROR(NeedsAll(missing));
  return found;
}

absl::Status RemoveOfUser(const TenantDirectory& directory, const common::v1::Scope& scope,
                          const std::string& home_tenant_id, absl::Time deadline,
                          absl::FunctionRef<absl::Status(const TenantPtr&, absl::Time)> body) {
  ASSIGN_OR_RETURN(const std::vector<TenantPtr> databases,
                   OneTenantPerDatabase(directory, scope, deadline));
  ASSIGN_OR_RETURN(
      std::vector<TenantPtr> missing,
      AskDatabases(databases, deadline,
                   [&](const TenantPtr& database, absl::Time until) -> absl::StatusOr<bool> {
                     RETURN_IF_ERROR(body(database, until));
                     return false;
                   }));
  if (!home_tenant_id.empty()) {
    common::v1::Scope home = scope;
    home.set_tenant_id(home_tenant_id);
    ASSIGN_OR_RETURN(const TenantPtr tenant, directory.Find(home, deadline));
    std::erase_if(missing,
                  [&](const TenantPtr& one) { return one->database_id != tenant->database_id; });
  }
  return NeedsAll(missing);
}

absl::StatusOr<std::vector<TenantPtr>> DatabasesOfUser(const TenantDirectory& directory,
                                                       const common::v1::Scope& scope,
                                                       const std::string& home_tenant_id,
                                                       absl::Time deadline) {
  if (home_tenant_id.empty()) return OneTenantPerDatabase(directory, scope, deadline);
  common::v1::Scope home = scope;
  home.set_tenant_id(home_tenant_id);
  ASSIGN_OR_RETURN(TenantPtr tenant, directory.Find(home, deadline));
  return std::vector<TenantPtr>{std::move(tenant)};
}

}  // namespace gatehouse::tenancy
