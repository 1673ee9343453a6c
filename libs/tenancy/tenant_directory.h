#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "absl/status/statusor.h"
#include "gatehouse/common/v1/scope.pb.h"
#include "gatehouse/tenants/v1/tenant.pb.h"
#include "libs/config/core_config.h"

namespace gatehouse::tenancy {

// One tenant with its whole configuration resolved. Immutable; shared between requests.
struct Tenant {
  std::string connection_uri_domain;
  std::string app_id;
  std::string tenant_id;
  std::shared_ptr<const config::CoreConfig> config;  // never null
  gatehouse::tenants::v1::Tenant record;             // as configured
  // Which database its rows lie in: tenants with the same id share a pool.
  std::string storage_id;

  bool is_public() const { return tenant_id == "public"; }
  common::v1::Scope scope() const;
};
using TenantPtr = std::shared_ptr<const Tenant>;

// All tenants as this process knows them: fed by the tenants service's stream, read by every
// request without a call. Thread-safe; a look-up copies one pointer.
class TenantDirectory {
 public:
  // Asked for a tenant that the directory lacks, so that one made a moment ago by another process
  // is found. Returns the record, or kTenantNotFound. Results of either kind are kept briefly.
  using Fallback = std::function<absl::StatusOr<gatehouse::tenants::v1::Tenant>(
      const common::v1::Scope&, absl::Time deadline)>;

  explicit TenantDirectory(bool test_mode) : test_mode_(test_mode) {}

  // Applies one message of the stream.
  void Apply(bool full, std::string_view base_config_json,
             const std::vector<gatehouse::tenants::v1::Tenant>& upserted,
             const std::vector<common::v1::Scope>& removed);
  void SetFallback(Fallback fallback);

  // The tenant, or kTenantNotFound with the original's text (formats.md 9.1).
  absl::StatusOr<TenantPtr> Find(const common::v1::Scope& scope,
                                 absl::Time deadline = absl::InfinitePast()) const;
  // The app's public tenant: what app-wide settings and API keys are read from.
  absl::StatusOr<TenantPtr> FindApp(const common::v1::Scope& scope,
                                    absl::Time deadline = absl::InfinitePast()) const;
  // Whether some tenant is configured for this connection-URI domain.
  bool HasConnectionUriDomain(std::string_view domain) const;
  // A snapshot of all tenants, for background jobs.
  std::vector<TenantPtr> All() const;
  // False until the first full message: the process is not ready before.
  bool ready() const;
  // The settings that every tenant inherits; never null once ready.
  std::shared_ptr<const config::CoreConfig> base_config() const;

 private:
  struct State;
  std::shared_ptr<const State> Load() const;
  static std::shared_ptr<const Tenant> Resolve(const State& state,
                                               const gatehouse::tenants::v1::Tenant& record);

  const bool test_mode_;
  std::mutex apply_mutex_;
  mutable std::mutex state_mutex_;
  std::shared_ptr<const State> state_;
  Fallback fallback_;
};

// The text of kTenantNotFound for a scope.
absl::Status TenantNotFound(const common::v1::Scope& scope);

}  // namespace gatehouse::tenancy
