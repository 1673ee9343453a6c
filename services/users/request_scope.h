#pragma once

#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/tenancy/ask_databases.h"
#include "libs/tenancy/tenant_directory.h"
#include "libs/tenancy/where.h"

namespace gatehouse::users {

using tenancy::Where;

// One scope for each database that holds users of the app: nearly always one, the public tenant's,
// which comes first. For operations that name a user and no tenant. kTenantNotFound without the app.
absl::StatusOr<std::vector<Where>> ScopesOfApp(const tenancy::TenantDirectory& directory,
                                               const common::v1::Scope& scope, absl::Time deadline);

// tenancy::AskDatabases over scopes: `body` gets each with its share of the time.
absl::StatusOr<std::vector<tenancy::TenantPtr>> AskScopes(
    const std::vector<Where>& scopes, absl::FunctionRef<absl::StatusOr<bool>(const Where&)> body);

// The tenant that the request names, or kTenantNotFound.
absl::StatusOr<Where> ScopeOfTenant(const tenancy::TenantDirectory& directory,
                                    const common::v1::Scope& scope, absl::Time deadline);

}  // namespace gatehouse::users
