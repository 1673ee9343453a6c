#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "gatehouse/tenants/v1/tenant.pb.h"
#include "gatehouse/tenants/v1/tenant_directory.pb.h"
#include "gatehouse/tenants/v1/tenants_service.pb.h"
#include "libs/base/json.h"
#include "libs/config/core_config.h"
#include "libs/config/tenant_config_rules.h"
#include "libs/rpc/service.h"
#include "libs/tenancy/tenant_directory.h"
#include "services/tenants/watcher_progress.h"

namespace gatehouse::tenants {

// All tenants with their third-party providers, as last read from the database, and their watchers.
// Thread-safe. A change is sent to every watcher before Apply returns, in the order of the changes;
// providers are not sent, since they contain secrets.
class Catalogue {
 public:
  using Watcher = rpc::Stream<v1::WatchTenantsRequest, v1::WatchTenantsResponse>;

  // Every tenant inherits `base`; it must resolve.
  static absl::StatusOr<std::unique_ptr<Catalogue>> Create(const config::BaseConfig& base);

  // What every tenant inherits from now on; it must resolve, to the same database. Watchers get
  // everything again.
  void SetBase(const config::BaseConfig& base);
  // Replaces all tenants by `tenants`, and sends watchers the differences.
  void ReplaceAll(std::vector<v1::TenantWithProviders> tenants);
  void Apply(std::vector<v1::TenantWithProviders> upserted,
             const std::vector<common::v1::Scope>& removed);
  // Sends everything, then each change, until the watcher is gone. It confirms over its stream.
  // `remote`: it may watch another replica instead.
  void Watch(Watcher watcher, bool remote);
  // Ends the streams of remote watchers: for when this replica may have missed changes.
  void SendRemoteWatchersAway();
  // How much of what they were sent the watchers have applied.
  WatcherProgress& progress() { return progress_; }

  std::optional<v1::Tenant> Find(const common::v1::Scope& scope) const;
  // Null when there is none.
  std::shared_ptr<const v1::TenantWithProviders> FindWithProviders(
      const common::v1::Scope& scope) const;
  size_t size() const;

  // Checks `tenant` as it would be stored in place of `stored` (null: it is new), and resolves its
  // configuration and storage. Errors as config::CheckTenantUpdate. Reads the tenants that name a
  // database or that `tenant` inherits from, and for an app's public tenant those of the app.
  absl::StatusOr<tenancy::TenantPtr> CheckAndResolve(const v1::Tenant& tenant,
                                                     const v1::Tenant* stored,
                                                     bool prevent_protected) const;

 private:
  struct Entry {
    v1::TenantWithProviders whole;
    json::Value core_config;

    const v1::Tenant& tenant() const { return whole.tenant(); }
  };
  struct WatchedStream {
    Watcher stream;
    int64_t id;
    bool remote;
  };
  using EntryPtr = std::shared_ptr<const Entry>;
  using App = std::map<std::string, EntryPtr, std::less<>>;  // by tenant id
  using Domain = std::map<std::string, App, std::less<>>;    // by app id

  Catalogue(const config::BaseConfig& base, std::shared_ptr<const config::CoreConfig> root);
  // BAD_INPUT unless the tenant may be in migration mode `next` after the update.
  absl::Status CheckMode(const config::TenantUpdate& update,
                         const std::vector<config::TenantRow>& rows,
                         config::MigrationMode next) const;
  void Store(EntryPtr entry);
  void Erase(const common::v1::Scope& scope);
  EntryPtr Get(const common::v1::Scope& scope) const;
  void Publish(const std::vector<const v1::Tenant*>& upserted,
               const std::vector<common::v1::Scope>& removed);
  bool Send(WatchedStream& watch, v1::WatchTenantsResponse& message);
  // False when the watcher is gone.
  bool SendAll(WatchedStream& watch);
  std::shared_ptr<const config::BaseConfig> Base() const;

  std::shared_ptr<const config::BaseConfig> base_;  // under mutex_
  const std::shared_ptr<const config::CoreConfig> root_;
  // Held while watchers are notified, so that each sees changes in order and misses none between
  // its snapshot and its first change. Watchers only queue or apply what they get.
  std::mutex publish_mutex_;
  std::vector<WatchedStream> watches_;
  WatcherProgress progress_;
  mutable std::mutex mutex_;  // taken after publish_mutex_
  std::map<std::string, Domain, std::less<>> domains_;
  // Those whose own settings may choose a database.
  std::map<std::string, EntryPtr> with_database_;  // by tenancy::TenantKey
  size_t size_ = 0;
};

}  // namespace gatehouse::tenants
