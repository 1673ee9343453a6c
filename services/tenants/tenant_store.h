#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gatehouse/common/v1/scope.pb.h"
#include "gatehouse/tenants/v1/tenant.pb.h"
#include "gatehouse/tenants/v1/tenants_service.pb.h"
#include "gatehouse/tenants/v1/third_party_provider.pb.h"

namespace gatehouse::tenants {

// One change of a tenant's configuration, in a transaction that excludes other changes of the same
// app.
class TenantChange {
 public:
  virtual ~TenantChange() = default;
  virtual absl::StatusOr<std::optional<v1::Tenant>> Get(const common::v1::Scope& scope) = 0;
  virtual absl::StatusOr<std::vector<v1::ThirdPartyProvider>> Providers(
      const common::v1::Scope& scope) = 0;
  // kTenantNotFound when the app of a tenant that isn't public does not exist.
  virtual absl::Status AddRows(const common::v1::Scope& scope, int64_t now_ms) = 0;
  virtual absl::Status Insert(const v1::Tenant& tenant) = 0;
  virtual absl::Status Update(const v1::Tenant& tenant) = 0;
  // Replaces the provider with this id, or adds it.
  virtual absl::Status PutProvider(const common::v1::Scope& scope,
                                   const v1::ThirdPartyProvider& provider) = 0;
  virtual absl::StatusOr<bool> RemoveProvider(const common::v1::Scope& scope,
                                              const std::string& third_party_id) = 0;
  // The ids of the app's tenants, and of the domain's apps.
  virtual absl::StatusOr<std::vector<std::string>> TenantIds(const common::v1::Scope& scope) = 0;
  virtual absl::StatusOr<std::vector<std::string>> AppIds(const std::string& domain) = 0;
  // Removes the tenant's data from the base database; for a public tenant the whole app's.
  virtual absl::Status RemoveRows(const common::v1::Scope& scope) = 0;
  // Whether there was one.
  virtual absl::StatusOr<bool> RemoveTenant(const common::v1::Scope& scope) = 0;
  virtual absl::StatusOr<bool> RemoveApp(const common::v1::Scope& scope) = 0;
  virtual absl::StatusOr<bool> RemoveDomain(const std::string& domain) = 0;
};

// The rows of tenant_configs and their children, apps and tenants, in the base database.
class TenantStore {
 public:
  virtual ~TenantStore() = default;

  // Creates the base tenant's rows if they are missing. Any number of processes may do so at once.
  virtual absl::Status EnsureBaseTenant(absl::Time deadline, int64_t now_ms) = 0;

  // Those that exist, in any order.
  virtual absl::StatusOr<std::vector<v1::Tenant>> GetMany(
      absl::Time deadline, const std::vector<common::v1::Scope>& scopes) = 0;
  // With providers, by domain, app and tenant. An unset part of the filter means any.
  struct Filter {
    std::optional<std::string> domain;
    std::optional<std::string> app_id;
    std::optional<std::string> tenant_id;
  };
  virtual absl::StatusOr<std::vector<v1::TenantWithProviders>> List(absl::Time deadline,
                                                                    const Filter& filter) = 0;

  // Runs `body` in a transaction under a lock for the scope's app (a domain's removal locks the
  // whole domain), and notifies other processes that the scope changed. `body` may run again.
  virtual absl::Status Change(absl::Time deadline, const common::v1::Scope& scope,
                              bool whole_domain,
                              absl::FunctionRef<absl::Status(TenantChange&)> body) = 0;
};

}  // namespace gatehouse::tenants
