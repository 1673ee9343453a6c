#pragma once

// Which tenant may do what to which: one table for every check of a request that concerns another
// tenant than its own. docs/security.md shows it; tenant_rights_test compares the two cell by cell.

#include <span>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "gatehouse/common/v1/scope.pb.h"

namespace gatehouse::tenants {

enum class Action {
  kCreate,
  kChange,
  kRemove,
  kConfigureProviders,  // third-party configuration, which holds secrets
  kAssociateUsers,      // users into the tenant, and out of it
  kRead,                // with the providers' secrets
  kListTenants,         // of an app
  kListApps,            // of a domain
  kListAll,
};

// What a request is about. An app is its public tenant, a domain its public app's, and the base the
// public app's of no domain.
enum class Target { kBase, kDomain, kApp, kTenant };

// Where a request is made, relative to the target; the first that applies. Each level has its API
// keys, so this tells whose key was presented.
enum class Source {
  kItself,
  kItsApp,           // the public tenant of the tenant's app
  kItsDomain,        // the public tenant of the public app of its domain
  kBase,             // the public tenant of the base app
  kTenantOfSameApp,  // another tenant than the public one
  kOtherApp,         // of the same domain, any of its tenants
  kOtherDomain,      // any of its apps and tenants
};

Target TargetOf(const common::v1::Scope& scope);
Source SourceOf(const common::v1::Scope& source, const common::v1::Scope& target);

// A row of the table. A request that is not allowed is refused with `refusal`, or with
// `refusal_elsewhere` if it comes from another app (for a tenant) or another domain (for an app or
// domain).
struct Right {
  Action action;
  std::vector<Target> targets;
  std::vector<Source> allowed;
  std::string_view refusal;
  std::string_view refusal_elsewhere;
};
std::span<const Right> Rights();

// FORBIDDEN unless the table allows it; anything without a row is forbidden.
absl::Status CheckMay(Action action, const common::v1::Scope& source,
                      const common::v1::Scope& target);

}  // namespace gatehouse::tenants
