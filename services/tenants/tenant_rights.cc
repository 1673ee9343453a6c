#include "services/tenants/tenant_rights.h"

#include <algorithm>

#include "libs/base/problem.h"
#include "libs/base/status.h"

namespace gatehouse::tenants {
namespace {

constexpr std::string_view kPublic = "public";

constexpr std::string_view kNoUpsertTenant =
    "You must use the public or same tenant to add/update a tenant";
constexpr std::string_view kNoUpsertTenantElsewhere =
    "You must use the same app to create/update a tenant";
constexpr std::string_view kNoUpsertApp =
    "You must use the public or same app to add/update an app";
constexpr std::string_view kNoUpsertAppElsewhere =
    "You must use the same connection URI domain to create/update an app";
constexpr std::string_view kNoUpsertDomain =
    "You must use the public app and tenant to create/update a connectionUriDomain";
constexpr std::string_view kNoUpsertDomainElsewhere =
    "You must use the default or same connectionUriDomain to create/update a connectionUriDomain";
constexpr std::string_view kNoRemoveTenant =
    "Only the public tenantId is allowed to delete a tenant";
constexpr std::string_view kNoRemoveApp =
    "Only the public tenantId and public appId is allowed to delete an app";
constexpr std::string_view kNoRemoveDomain =
    "Only the public tenantId, public appId and default connectionUriDomain is allowed to delete a "
    "connectionUriDomain";
constexpr std::string_view kNoRemoveBase = "Cannot delete the default connection uri domain";
constexpr std::string_view kNoListTenants =
    "Only the public tenantId is allowed to list all tenants associated with this app";
constexpr std::string_view kNoListApps =
    "Only the public tenantId and public appId is allowed to list all apps associated with this "
    "connection uri domain";
constexpr std::string_view kNoListAll =
    "Only the public tenantId, public appId and default connectionUriDomain is allowed to list all "
    "connectionUriDomains and appIds associated with this core";
constexpr std::string_view kNoOwnPath = "You must use the tenant's own path";

template <typename T>
bool Contains(const std::vector<T>& values, T value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

bool IsPublicOf(const common::v1::Scope& scope, std::string_view domain, std::string_view app) {
  return scope.connection_uri_domain() == domain && scope.app_id() == app &&
         scope.tenant_id() == kPublic;
}

}  // namespace

Target TargetOf(const common::v1::Scope& scope) {
  if (scope.tenant_id() != kPublic) return Target::kTenant;
  if (scope.app_id() != kPublic) return Target::kApp;
  return scope.connection_uri_domain().empty() ? Target::kBase : Target::kDomain;
}

Source SourceOf(const common::v1::Scope& source, const common::v1::Scope& target) {
  const std::string& domain = target.connection_uri_domain();
  if (IsPublicOf(source, domain, target.app_id())) {
    return target.tenant_id() == kPublic ? Source::kItself : Source::kItsApp;
  }
  if (IsPublicOf(source, domain, kPublic)) return Source::kItsDomain;
  if (IsPublicOf(source, "", kPublic)) return Source::kBase;
  if (source.connection_uri_domain() != domain) return Source::kOtherDomain;
  if (source.app_id() != target.app_id()) return Source::kOtherApp;
  return source.tenant_id() == target.tenant_id() ? Source::kItself : Source::kTenantOfSameApp;
}

std::span<const Right> Rights() {
  using enum Action;
  using S = Source;
  using T = Target;
  using S = Source;
  const std::vector<Target> any = {T::kBase, T::kDomain, T::kApp, T::kTenant};
  static const auto& rights = *new std::vector<Right>{
      // The base exists from the start, and nobody else changes it.
      {kCreate, {T::kBase}, {}, kNoUpsertDomain, kNoUpsertDomainElsewhere},
      {kChange, {T::kBase}, {S::kItself}, kNoUpsertDomain, kNoUpsertDomainElsewhere},
      {kRemove, {T::kBase}, {}, kNoRemoveBase, kNoRemoveBase},
      {kCreate, {T::kDomain}, {S::kBase}, kNoUpsertDomain, kNoUpsertDomainElsewhere},
      {kChange, {T::kDomain}, {S::kItself, S::kBase}, kNoUpsertDomain, kNoUpsertDomainElsewhere},
      {kRemove, {T::kDomain}, {S::kBase}, kNoRemoveDomain, kNoRemoveDomain},
      {kCreate, {T::kApp}, {S::kItsDomain}, kNoUpsertApp, kNoUpsertAppElsewhere},
      {kChange, {T::kApp}, {S::kItself, S::kItsDomain}, kNoUpsertApp, kNoUpsertAppElsewhere},
      {kRemove, {T::kApp}, {S::kItsDomain}, kNoRemoveApp, kNoRemoveApp},
      {kCreate, {T::kTenant}, {S::kItsApp}, kNoUpsertTenant, kNoUpsertTenantElsewhere},
      {kChange, {T::kTenant}, {S::kItself, S::kItsApp}, kNoUpsertTenant, kNoUpsertTenantElsewhere},
      {kRemove, {T::kTenant}, {S::kItsApp}, kNoRemoveTenant, kNoRemoveTenant},
      // These requests name no target: they are about the tenant of their path.
      {kConfigureProviders, any, {S::kItself}, kNoOwnPath, kNoOwnPath},
      {kAssociateUsers, any, {S::kItself}, kNoOwnPath, kNoOwnPath},
      {kRead, any, {S::kItself}, kNoOwnPath, kNoOwnPath},
      // The target is the app or the domain whose tenants or apps are listed.
      {kListTenants, {T::kBase, T::kDomain, T::kApp}, {S::kItself}, kNoListTenants, kNoListTenants},
      {kListApps, {T::kBase, T::kDomain}, {S::kItself}, kNoListApps, kNoListApps},
      {kListAll, {T::kBase}, {S::kItself}, kNoListAll, kNoListAll},
  };
  return rights;
}

absl::Status CheckMay(Action action, const common::v1::Scope& source,
                      const common::v1::Scope& target) {
  const Target level = TargetOf(target);
  const Source from = SourceOf(source, target);
  for (const Right& right : Rights()) {
    if (right.action != action || !Contains(right.targets, level)) continue;
    if (Contains(right.allowed, from)) return absl::OkStatus();
    const bool other_domain = source.connection_uri_domain() != target.connection_uri_domain();
    const bool other_app = source.app_id() != target.app_id();
    const bool elsewhere = other_domain || (level == Target::kTenant && other_app);
    return Forbidden(Problem::kNotPermitted, elsewhere ? right.refusal_elsewhere : right.refusal);
  }
  return Forbidden(Problem::kNotPermitted, "This can be done by nobody");
}

}  // namespace gatehouse::tenants
