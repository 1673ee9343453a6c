#pragma once

// An app's tenants may be in several databases, and one that is down is no reason to refuse what
// the others can answer.

#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/tenancy/tenant_directory.h"

namespace gatehouse::tenancy {

// Runs `body` in each database, one after the other, until it returns true: the search succeeded.
// Of several databases each gets two seconds at most, and those that did not answer are returned,
// in order; none if `body` returned true. Any other error ends it, and so does the deadline. A
// single database gets all of the time, and its error is returned.
absl::StatusOr<std::vector<TenantPtr>> AskDatabases(
    const std::vector<TenantPtr>& databases, absl::Time deadline,
    absl::FunctionRef<absl::StatusOr<bool>(const TenantPtr& database, absl::Time deadline)> body);

// For an answer that needs all databases. OK when none is missing, else DEPENDENCY_DOWN with a text
// that names the tenants.
absl::Status NeedsAll(const std::vector<TenantPtr>& missing);

// Whether `body` says so in one of the databases; "no" needs all of them.
absl::StatusOr<bool> AnyDatabase(
    const std::vector<TenantPtr>& databases, absl::Time deadline,
    absl::FunctionRef<absl::StatusOr<bool>(const TenantPtr& database, absl::Time deadline)> body);

// Removes with `body` what an app's databases have of a user. Those that do not answer are needed
// when rows of the user can be in them: only in that of `home_tenant_id`, or, without it, in all.
// kTenantNotFound without the app or that tenant.
absl::Status RemoveOfUser(
    const TenantDirectory& directory, const common::v1::Scope& scope,
    const std::string& home_tenant_id, absl::Time deadline,
    absl::FunctionRef<absl::Status(const TenantPtr& database, absl::Time deadline)> body);

// The places where rows of a user can be: one tenant of the database of `home_tenant_id`; without
// it, one for each database of the app. kTenantNotFound without the app or that tenant.
absl::StatusOr<std::vector<TenantPtr>> DatabasesOfUser(const TenantDirectory& directory,
                                                       const common::v1::Scope& scope,
                                                       const std::string& home_tenant_id,
                                                       absl::Time deadline);

}  // namespace gatehouse::tenancy
