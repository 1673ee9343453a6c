#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gatehouse/common/v1/scope.pb.h"
#include "gatehouse/tenants/v1/tenant.pb.h"
#include "libs/base/clock.h"
#include "libs/config/core_config.h"

namespace gatehouse::tenancy {

// One tenant with its whole configuration resolved. Immutable; shared between requests.
struct Tenant {
  std::string connection_uri_domain;
  std::string app_id;
  std::string tenant_id;
  std::shared_ptr<const config::CoreConfig> config;  // never null
  gatehouse::tenants::v1::Tenant record;             // as configured
  // Which connection pool reaches its rows: tenants with the same id share one. Empty: the base one.
  std::string storage_id;
  // Which database and schema its rows lie in, however it is reached: two pools may lead to one
  // database. Empty: the base one.
  std::string database_id;

  bool is_public() const { return tenant_id == "public"; }
  common::v1::Scope scope() const;
  // "(domain, app, tenant)": how messages to an operator name it.
  std::string name() const;
};
using TenantPtr = std::shared_ptr<const Tenant>;

// All tenants as this process knows them: fed by the tenants service's stream, read by every
// request without a call. Thread-safe. A look-up copies one pointer; a change touches the tenants
// that inherit from what changed and no others, so that thousands of tenants cost a request
// nothing.
class TenantDirectory {
 public:
  // Asked for a tenant that the directory lacks, so that one made a moment ago by another process
  // is found. Returns the record, or kTenantNotFound. Results of either kind are kept briefly, and
  // the number of questions a second is bounded: beyond it, look-ups give kOverloaded.
  using Fallback = std::function<absl::StatusOr<gatehouse::tenants::v1::Tenant>(
      const common::v1::Scope&, absl::Time deadline)>;

  // `clock`, if given, outlives the directory.
  explicit TenantDirectory(bool test_mode, const Clock* clock = nullptr);
  ~TenantDirectory();
  TenantDirectory(const TenantDirectory&) = delete;
  TenantDirectory& operator=(const TenantDirectory&) = delete;

  // Applies one message of the stream. Returns what was left out because its configuration is not
  // valid, in words for the log: such a tenant keeps its former configuration, or is not there.
  std::vector<std::string> Apply(bool full, std::string_view base_config_json,
                                 const std::vector<gatehouse::tenants::v1::Tenant>& upserted,
                                 const std::vector<common::v1::Scope>& removed);
  // Before the directory is used by other threads.
  void SetFallback(Fallback fallback);

  // The tenant, or kTenantNotFound with the original's text (formats.md 9.1). Asks the fallback
  // only when given a deadline.
  absl::StatusOr<TenantPtr> Find(const common::v1::Scope& scope,
                                 absl::Time deadline = absl::InfinitePast()) const;
  // The app's public tenant: what app-wide settings and API keys are read from.
  absl::StatusOr<TenantPtr> FindApp(const common::v1::Scope& scope,
                                    absl::Time deadline = absl::InfinitePast()) const;
  // Whether some tenant is configured for this connection-URI domain.
  bool HasConnectionUriDomain(std::string_view domain) const;
  // A snapshot of all tenants, for background jobs.
  std::vector<TenantPtr> All() const;
  // The tenants of the scope's app, by tenant id.
  std::vector<TenantPtr> TenantsOfApp(const common::v1::Scope& scope) const;
  // The storage ids of all tenants, without the base one's. Costs as many as there are.
  std::set<std::string> StorageIds() const;
  size_t size() const;
  // Grows whenever tenants may have gone: with each removal, and with each full message.
  uint64_t removals() const { return removals_.load(std::memory_order_relaxed); }
  // False until the first full message: the process is not ready before.
  bool ready() const;
  // The settings that every tenant inherits; never null once ready.
  std::shared_ptr<const config::CoreConfig> base_config() const;

 private:
  struct State;

  TenantPtr Lookup(std::string_view domain, std::string_view app_id,
                   std::string_view tenant_id) const;
  absl::StatusOr<TenantPtr> AskFallback(const common::v1::Scope& scope, absl::Time deadline) const;

  const bool test_mode_;
  const Clock* const clock_;
  std::mutex apply_mutex_;  // one writer at a time; taken before mutex_
  mutable std::shared_mutex mutex_;
  std::unique_ptr<State> state_;
  std::atomic<uint64_t> removals_{0};
  Fallback fallback_;

  struct Brief;
  mutable std::mutex brief_mutex_;
  std::unique_ptr<Brief> brief_;
};

// The text of kTenantNotFound for a scope.
absl::Status TenantNotFound(const common::v1::Scope& scope);

// A scope from its parts; empty app and tenant ids become "public".
common::v1::Scope MakeScope(std::string_view connection_uri_domain, std::string_view app_id,
                            std::string_view tenant_id);

}  // namespace gatehouse::tenancy
