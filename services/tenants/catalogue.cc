#include "services/tenants/catalogue.h"

#include <algorithm>
#include <set>

#include "libs/base/status.h"
#include "libs/tenancy/base_config_codec.h"
#include "libs/tenancy/tenant_resolver.h"
#include "services/tenants/tenant_update.h"

namespace gatehouse::tenants {
namespace {

// Tenants in one message: well under gRPC's limit of 4 MB even with long configurations.
constexpr size_t kTenantsPerMessage = 1000;
constexpr std::string_view kPublic = "public";

std::string KeyOf(const common::v1::Scope& scope) {
  return tenancy::TenantKey(scope.connection_uri_domain(), scope.app_id(), scope.tenant_id());
}

bool SetsDatabaseKeys(const json::Value& core_config) {
  for (const json::Member& member : core_config.members()) {
    const config::CoreSetting* setting = config::FindSetting(member.key);
    if (setting != nullptr && setting->scope == config::SettingScope::kDatabase) return true;
  }
  return false;
}

// The mode that a tenant's own configuration names; empty: none.
std::string ModeIn(const json::Value& core_config) {
  const json::Value* mode = core_config.Find("migration_mode");
  return mode == nullptr || mode->is_null() ? "" : json::Serialize(*mode);
}

template <typename Message>
bool Same(const Message& a, const Message& b) {
  return a.SerializeAsString() == b.SerializeAsString();
}

config::TenantName NameOf(const common::v1::Scope& scope) {
  return {scope.connection_uri_domain(), scope.app_id(), scope.tenant_id()};
}

}  // namespace

Catalogue::Catalogue(const config::BaseConfig& base, std::shared_ptr<const config::CoreConfig> root)
    : base_(std::make_shared<const config::BaseConfig>(base)), root_(std::move(root)) {}

absl::StatusOr<std::unique_ptr<Catalogue>> Catalogue::Create(const config::BaseConfig& base) {
  ASSIGN_OR_RETURN(auto root, config::CoreConfig::Resolve(base));
  return std::unique_ptr<Catalogue>(new Catalogue(base, std::move(root)));
}

std::shared_ptr<const config::BaseConfig> Catalogue::Base() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return base_;
}

void Catalogue::SetBase(const config::BaseConfig& base) {
  std::lock_guard<std::mutex> publish_lock(publish_mutex_);
  {
    std::lock_guard<std::mutex> lock(mutex_);
    base_ = std::make_shared<const config::BaseConfig>(base);
  }
  std::erase_if(watches_, [this](WatchedStream& watch) { return !SendAll(watch); });
}

void Catalogue::Store(EntryPtr entry) {
  const common::v1::Scope& scope = entry->tenant().scope();
  EntryPtr& slot = domains_[scope.connection_uri_domain()][scope.app_id()][scope.tenant_id()];
  if (slot == nullptr) ++size_;
  if (SetsDatabaseKeys(entry->core_config)) {
    with_database_.insert_or_assign(KeyOf(scope), entry);
  } else {
    with_database_.erase(KeyOf(scope));
  }
  slot = std::move(entry);
}

void Catalogue::Erase(const common::v1::Scope& scope) {
  auto domain = domains_.find(scope.connection_uri_domain());
  if (domain == domains_.end()) return;
  auto app = domain->second.find(scope.app_id());
  if (app == domain->second.end()) return;
  size_ -= app->second.erase(scope.tenant_id());
  if (app->second.empty()) domain->second.erase(app);
  if (domain->second.empty()) domains_.erase(domain);
  with_database_.erase(KeyOf(scope));
}

Catalogue::EntryPtr Catalogue::Get(const common::v1::Scope& scope) const {
  auto domain = domains_.find(scope.connection_uri_domain());
  if (domain == domains_.end()) return nullptr;
  auto app = domain->second.find(scope.app_id());
  if (app == domain->second.end()) return nullptr;
  auto tenant = app->second.find(scope.tenant_id());
  return tenant == app->second.end() ? nullptr : tenant->second;
}

std::optional<v1::Tenant> Catalogue::Find(const common::v1::Scope& scope) const {
  std::lock_guard<std::mutex> lock(mutex_);
  const EntryPtr entry = Get(scope);
  if (entry == nullptr) return std::nullopt;
  return entry->tenant();
}

size_t Catalogue::size() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return size_;
}

std::shared_ptr<const v1::TenantWithProviders> Catalogue::FindWithProviders(
    const common::v1::Scope& scope) const {
  std::lock_guard<std::mutex> lock(mutex_);
  const EntryPtr entry = Get(scope);
  if (entry == nullptr) return nullptr;
  return std::shared_ptr<const v1::TenantWithProviders>(entry, &entry->whole);
}

void Catalogue::ReplaceAll(std::vector<v1::TenantWithProviders> tenants) {
  std::vector<v1::TenantWithProviders> upserted;
  std::vector<common::v1::Scope> removed;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    std::set<std::string> kept;
    for (v1::TenantWithProviders& tenant : tenants) {
      kept.insert(KeyOf(tenant.tenant().scope()));
      const EntryPtr before = Get(tenant.tenant().scope());
      if (before == nullptr || !Same(before->whole, tenant)) upserted.push_back(std::move(tenant));
    }
    for (const auto& [domain, apps] : domains_) {
      for (const auto& [app_id, app] : apps) {
        for (const auto& [tenant_id, entry] : app) {
          if (!kept.contains(KeyOf(entry->tenant().scope()))) {
            removed.push_back(entry->tenant().scope());
          }
        }
      }
    }
  }
  Apply(std::move(upserted), removed);
}

void Catalogue::Apply(std::vector<v1::TenantWithProviders> upserted,
                      const std::vector<common::v1::Scope>& removed) {
  if (upserted.empty() && removed.empty()) return;
  std::vector<EntryPtr> entries;
  for (v1::TenantWithProviders& tenant : upserted) {
    auto entry = std::make_shared<Entry>();
    entry->whole = std::move(tenant);
    if (auto parsed = json::Parse(entry->tenant().core_config_json()); parsed.ok()) {
      entry->core_config = *std::move(parsed);
    }
    entries.push_back(std::move(entry));
  }
  std::lock_guard<std::mutex> publish_lock(publish_mutex_);
  std::vector<const v1::Tenant*> changed;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    for (const EntryPtr& entry : entries) {
      const EntryPtr before = Get(entry->tenant().scope());
      if (before == nullptr || !Same(before->tenant(), entry->tenant())) {
        changed.push_back(&entry->tenant());
      }
      Store(entry);
    }
    for (const common::v1::Scope& scope : removed) Erase(scope);
  }
  if (!changed.empty() || !removed.empty()) Publish(changed, removed);
}

bool Catalogue::Send(WatchedStream& watch, v1::WatchTenantsResponse& message) {
  message.set_version(progress_.NextVersion(watch.id));
  if (watch.stream.Send(message)) return true;
  progress_.Remove(watch.id);
  return false;
}

void Catalogue::Publish(const std::vector<const v1::Tenant*>& upserted,
                        const std::vector<common::v1::Scope>& removed) {
  for (size_t begin = 0; begin == 0 || begin < upserted.size(); begin += kTenantsPerMessage) {
    v1::WatchTenantsResponse message;
    const size_t end = std::min(upserted.size(), begin + kTenantsPerMessage);
    message.set_more_follows(end < upserted.size());
    for (size_t i = begin; i < end; ++i) *message.add_upserted() = *upserted[i];
    if (begin == 0) {
      for (const common::v1::Scope& scope : removed) *message.add_removed() = scope;
    }
    std::erase_if(watches_, [&](WatchedStream& watch) { return !Send(watch, message); });
  }
}

void Catalogue::SendRemoteWatchersAway() {
  std::lock_guard<std::mutex> publish_lock(publish_mutex_);
  std::erase_if(watches_, [this](const WatchedStream& watch) {
    if (watch.remote) progress_.Remove(watch.id);
    return watch.remote;
  });
}

bool Catalogue::SendAll(WatchedStream& watch) {
  std::vector<EntryPtr> all;
  std::string base;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    base = tenancy::EncodeBaseConfig(*base_);
    all.reserve(size_);
    for (const auto& [domain, apps] : domains_) {
      for (const auto& [app_id, app] : apps) {
        for (const auto& [tenant_id, entry] : app) all.push_back(entry);
      }
    }
  }
  for (size_t begin = 0; begin == 0 || begin < all.size(); begin += kTenantsPerMessage) {
    v1::WatchTenantsResponse message;
    if (begin == 0) {
      message.set_full(true);
      message.set_base_config_json(base);
    }
    const size_t end = std::min(all.size(), begin + kTenantsPerMessage);
    message.set_more_follows(end < all.size());
    for (size_t i = begin; i < end; ++i) *message.add_upserted() = all[i]->tenant();
    if (!Send(watch, message)) return false;
  }
  return true;
}

void Catalogue::Watch(Watcher watcher, bool remote) {
  std::lock_guard<std::mutex> publish_lock(publish_mutex_);
  WatchedStream watch{std::move(watcher), progress_.Add(), remote};
  watch.stream.OnRequest([this, id = watch.id](const v1::WatchTenantsRequest& request) {
    progress_.Confirm(id, request.applied_version());
  });
  if (SendAll(watch)) watches_.push_back(std::move(watch));
}

absl::Status Catalogue::CheckMode(const config::TenantUpdate& update,
                                  const std::vector<config::TenantRow>& rows,
                                  config::MigrationMode next) const {
  const std::string named = ModeIn(*update.core_config);
  if (update.stored == nullptr) {
    return named.empty() ? absl::OkStatus() : CheckMigrationStep(nullptr, next);
  }
  if (named == ModeIn(*update.stored)) return absl::OkStatus();
  config::TenantUpdate before = update;
  before.core_config = update.stored;
  before.prevent_protected = false;
  const auto resolved = config::CheckTenantUpdate(*Base(), before, rows);
  // This change may repair the stored settings.
  if (!resolved.ok()) return absl::OkStatus();
  const config::MigrationMode current = (*resolved)->migration_mode();
  return CheckMigrationStep(&current, next);
}

absl::StatusOr<tenancy::TenantPtr> Catalogue::CheckAndResolve(const v1::Tenant& tenant,
                                                              const v1::Tenant* stored,
                                                              bool prevent_protected) const {
  const common::v1::Scope& scope = tenant.scope();
  std::map<std::string, EntryPtr> relevant;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    relevant = with_database_;
    const auto add = [&](const EntryPtr& entry) {
      if (entry != nullptr) relevant.emplace(KeyOf(entry->tenant().scope()), entry);
    };
    for (const auto& [domain, apps] : domains_) {
      add(Get(tenancy::MakeScope(domain, kPublic, kPublic)));
    }
    const std::string& domain = scope.connection_uri_domain();
    add(Get(tenancy::MakeScope(domain, scope.app_id(), kPublic)));
    // Of the app's other tenants, those with their own settings must agree with the public tenant's
    // new ones; nothing else depends on them, and there may be thousands.
    if (scope.tenant_id() == kPublic && domains_.contains(domain)) {
      const Domain& apps = domains_.find(domain)->second;
      if (const auto app = apps.find(scope.app_id()); app != apps.end()) {
        for (const auto& [tenant_id, entry] : app->second) {
          if (entry->core_config.size() > 0) add(entry);
        }
      }
    }
  }
  std::vector<config::TenantRow> rows;
  rows.reserve(relevant.size());
  for (const auto& [key, entry] : relevant) {
    rows.push_back({NameOf(entry->tenant().scope()), &entry->core_config});
  }
  ASSIGN_OR_RETURN(const json::Value core_config, json::Parse(tenant.core_config_json()));
  json::Value stored_config;
  if (stored != nullptr) {
    ASSIGN_OR_RETURN(stored_config, json::Parse(stored->core_config_json()));
  }
  config::TenantUpdate update;
  update.target = NameOf(scope);
  update.core_config = &core_config;
  update.stored = stored == nullptr ? nullptr : &stored_config;
  update.prevent_protected = prevent_protected;
  auto resolved = std::make_shared<tenancy::Tenant>();
  ASSIGN_OR_RETURN(resolved->config, config::CheckTenantUpdate(*Base(), update, rows));
  RETURN_IF_ERROR(CheckMode(update, rows, resolved->config->migration_mode()));
  resolved->connection_uri_domain = scope.connection_uri_domain();
  resolved->app_id = scope.app_id();
  resolved->tenant_id = scope.tenant_id();
  resolved->record = tenant;
  resolved->storage_id = tenancy::StorageIdOf(*resolved->config, *root_);
  return tenancy::TenantPtr(std::move(resolved));
}

}  // namespace gatehouse::tenants
