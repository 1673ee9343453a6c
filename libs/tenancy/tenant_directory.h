#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gatehouse/common/v1/scope.pb.h"
#include "gatehouse/tenants/v1/tenant.pb.h"
#include "libs/config/core_config.h"
#include "libs/tenancy/tenant.h"

namespace gatehouse::tenancy {

class DirectoryState;
class TenantLookups;

// What a request is checked against, seen at one moment. Null: does not exist. A tenant exists only
// with its app.
struct Sight {
  TenantPtr app;
  TenantPtr tenant;
  uint64_t version = 0;  // of the directory that they were seen in; 0: in another one, or none
};

// All tenants as this process knows them: fed by the tenants service's stream, read by every
// request without a call. Thread-safe. A look-up copies one pointer; a change only affects the
// tenants that inherit from what changed, so thousands of tenants cost a request nothing.
//
// A tenant whose settings are not valid here, or that inherits from such a tenant, is left out: who
// may access it is unknown, so every look-up of it fails with kDependencyDown.
class TenantDirectory {
 public:
  using Record = gatehouse::tenants::v1::Tenant;
  // Called for tenants that the directory lacks, so that one created a moment ago by another
  // process is found: returns the records of those names that exist.
  using Fallback = std::function<absl::StatusOr<std::vector<Record>>(
      const std::vector<common::v1::Scope>& names, absl::Time deadline)>;

  explicit TenantDirectory(bool test_mode);
  ~TenantDirectory();
  TenantDirectory(const TenantDirectory&) = delete;
  TenantDirectory& operator=(const TenantDirectory&) = delete;

  // Applies a change as a whole. Returns texts for the log about tenants left out because of it.
  std::vector<std::string> Apply(bool full, std::string_view base_config_json,
                                 const std::vector<Record>& upserted,
                                 const std::vector<common::v1::Scope>& removed);
  // Before the directory is used by other threads.
  void SetFallback(Fallback fallback);
  // The fallback is not called any more; waiting callers get kDependencyDown.
  void StopLookUps();

  // The tenant, or kTenantNotFound with the original's text (formats.md 9.1); kDependencyDown when
  // it is left out. Calls the fallback only when given a deadline. For a scope with a stamp: the
  // tenant that the request's checks saw, never another one of its name.
  absl::StatusOr<TenantPtr> Find(const common::v1::Scope& scope,
                                 absl::Time deadline = absl::InfinitePast()) const;
  // The same for another tenant of the scope's app.
  absl::StatusOr<TenantPtr> FindNamed(const common::v1::Scope& scope, std::string_view tenant_id,
                                      absl::Time deadline = absl::InfinitePast()) const;
  // The app's public tenant, which has the app-wide settings and API keys.
  absl::StatusOr<TenantPtr> FindApp(const common::v1::Scope& scope,
                                    absl::Time deadline = absl::InfinitePast()) const;
  // For the checks of a request, which come before any stamp. nullopt: app or tenant are unknown
  // here; LookUp may find them. kDependencyDown when one is left out.
  absl::StatusOr<std::optional<Sight>> Look(const common::v1::Scope& scope) const;
  // The same, using the fallback if necessary, without blocking: `done` is called once, here or on
  // another thread, and must not block.
  void LookUp(const common::v1::Scope& scope, absl::Time deadline,
              std::function<void(absl::StatusOr<Sight>)> done) const;

  // Changes with all that Look and Find return: what was seen at this version still is.
  uint64_t version() const { return version_.load(std::memory_order_acquire); }
  // Whether any tenant is configured for a connection-URI domain.
  bool HasConnectionUriDomains() const { return has_domains_.load(std::memory_order_relaxed); }
  // Whether some tenant is configured for this connection-URI domain.
  bool HasConnectionUriDomain(std::string_view domain) const;
  // A snapshot of all tenants, for background jobs.
  std::vector<TenantPtr> All() const;
  // For the app whose public tenant this is: itself, then one tenant for each further database with
  // rows of the app. Takes time linear in the result.
  std::vector<TenantPtr> OnePerDatabase(const TenantPtr& app) const;
  // Whether all rows of the tenant's app are in its database. False for an app that is not known
  // (any more).
  bool HasOneDatabase(const Tenant& tenant) const;
  // How many tenants the app has.
  size_t CountOfApp(const Tenant& app) const;
  // The storage ids of all tenants, without the base one's. Takes time linear in their number.
  std::set<std::string> StorageIds() const;
  size_t size() const;
  size_t left_out() const;
  // Grows whenever tenants may have disappeared: with each removal, and with each full message.
  uint64_t removals() const { return removals_.load(std::memory_order_relaxed); }
  // False until the first full message: the process is not ready before.
  bool ready() const;
  // The settings that every tenant inherits; never null once ready.
  std::shared_ptr<const config::CoreConfig> base_config() const;

 private:
  // As this process knows it; null when it does not. kDependencyDown when it is left out.
  absl::StatusOr<TenantPtr> Known(std::string_view domain, std::string_view app_id,
                                  std::string_view tenant_id) const;
  // The known state, with newer records in place of older ones.
  absl::StatusOr<Sight> LookWith(const common::v1::Scope& scope,
                                 const std::vector<Record>& records) const;
  absl::StatusOr<TenantPtr> AskFor(const common::v1::Scope& scope, absl::Time deadline) const;

  const bool test_mode_;
  const uint64_t id_;  // of no other directory in this process
  std::mutex apply_mutex_;  // one writer at a time; taken before mutex_
  mutable std::shared_mutex mutex_;
  std::unique_ptr<DirectoryState> state_;
  // Written with state_.
  std::atomic<uint64_t> version_{1};
  std::atomic<bool> has_domains_{false};
  std::atomic<uint64_t> removals_{0};
  std::unique_ptr<TenantLookups> lookups_;  // null: nobody to ask
};

}  // namespace gatehouse::tenancy
