#include "libs/tenancy/tenant_directory.h"

#include <map>
#include <set>
#include <unordered_map>

#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/tenancy/base_config_codec.h"
#include "libs/tenancy/tenant_resolver.h"

namespace gatehouse::tenancy {
namespace {

constexpr std::string_view kPublic = "public";

// A tenant made by another process is found through the fallback until the stream brings it; one
// that is not there is not asked for again at once.
constexpr int64_t kBriefFoundMs = 5000;
constexpr int64_t kBriefMissingMs = 1000;
// Requests for tenants that don't exist must not become a stream of statements.
constexpr int kMaxFallbacksPerSecond = 100;
constexpr size_t kMaxBrief = 2000;

const SystemClock& DefaultClock() {
  static const SystemClock clock;
  return clock;
}

std::string KeyOf(const common::v1::Scope& scope) {
  return TenantKey(scope.connection_uri_domain(), scope.app_id(), scope.tenant_id());
}

}  // namespace

struct TenantDirectory::State {
  config::BaseConfig base;
  std::shared_ptr<const config::CoreConfig> root;
  std::unordered_map<std::string, TenantPtr> tenants;
  // Domain, app, tenant ids: who inherits from whom.
  std::map<std::string, std::map<std::string, std::set<std::string>>, std::less<>> tree;
  std::map<std::string, size_t> storages;  // tenants by storage id, but for the base one's

  void CountStorage(const std::string& storage_id, int by) {
    if (storage_id.empty()) return;
    size_t& count = storages[storage_id];
    count += by;
    if (count == 0) storages.erase(storage_id);
  }

  TenantPtr Get(const std::string& key) const {
    auto found = tenants.find(key);
    return found == tenants.end() ? nullptr : found->second;
  }
  void Put(TenantPtr tenant) {
    tree[tenant->connection_uri_domain][tenant->app_id].insert(tenant->tenant_id);
    CountStorage(tenant->storage_id, 1);
    std::string key = TenantKey(tenant->connection_uri_domain, tenant->app_id, tenant->tenant_id);
    TenantPtr& slot = tenants[std::move(key)];
    if (slot != nullptr) CountStorage(slot->storage_id, -1);
    slot = std::move(tenant);
  }
  void Remove(const common::v1::Scope& scope) {
    auto found = tenants.find(KeyOf(scope));
    if (found == tenants.end()) return;
    CountStorage(found->second->storage_id, -1);
    tenants.erase(found);
    auto domain = tree.find(scope.connection_uri_domain());
    auto app = domain->second.find(scope.app_id());
    app->second.erase(scope.tenant_id());
    if (app->second.empty()) domain->second.erase(app);
    if (domain->second.empty()) tree.erase(domain);
  }
  // The keys of those whose configuration depends on that of `scope`, without itself.
  void AddHeirs(const common::v1::Scope& scope, std::set<std::string>& keys) const {
    if (scope.tenant_id() != kPublic) return;
    auto domain = tree.find(scope.connection_uri_domain());
    if (domain == tree.end()) return;
    for (const auto& [app_id, tenant_ids] : domain->second) {
      if (scope.app_id() != kPublic && app_id != scope.app_id()) continue;
      for (const std::string& tenant_id : tenant_ids) {
        keys.insert(TenantKey(domain->first, app_id, tenant_id));
      }
    }
  }
};

struct TenantDirectory::Brief {
  struct Entry {
    TenantPtr tenant;  // null: there is none
    int64_t until_ms;
  };
  std::unordered_map<std::string, Entry> entries;
  int64_t second = 0;
  int asked_in_second = 0;
};

common::v1::Scope Tenant::scope() const {
  return MakeScope(connection_uri_domain, app_id, tenant_id);
}

std::string Tenant::name() const {
  return StrCat("(", connection_uri_domain, ", ", app_id, ", ", tenant_id, ")");
}

common::v1::Scope MakeScope(std::string_view connection_uri_domain, std::string_view app_id,
                            std::string_view tenant_id) {
  common::v1::Scope scope;
  scope.set_connection_uri_domain(std::string(connection_uri_domain));
  scope.set_app_id(std::string(app_id.empty() ? kPublic : app_id));
  scope.set_tenant_id(std::string(tenant_id.empty() ? kPublic : tenant_id));
  return scope;
}

absl::Status TenantNotFound(const common::v1::Scope& scope) {
  return MakeError(
      ErrorReason::kTenantNotFound,
      StrCat("AppId or tenantId not found => Tenant with the following "
             "connectionURIDomain, appId and tenantId combination not found: (",
             scope.connection_uri_domain(), ", ", scope.app_id(), ", ", scope.tenant_id(), ")"));
}

TenantDirectory::TenantDirectory(bool test_mode, const Clock* clock)
    : test_mode_(test_mode),
      clock_(clock == nullptr ? &DefaultClock() : clock),
      brief_(std::make_unique<Brief>()) {}

TenantDirectory::~TenantDirectory() = default;

std::vector<std::string> TenantDirectory::Apply(
    bool full, std::string_view base_config_json,
    const std::vector<gatehouse::tenants::v1::Tenant>& upserted,
    const std::vector<common::v1::Scope>& removed) {
  std::lock_guard<std::mutex> writer(apply_mutex_);
  // Only a holder of apply_mutex_ changes state_, so it may be read here without mutex_.
  if (!full && state_ == nullptr) return {"a change came before the first full message"};

  std::unique_ptr<State> fresh;
  if (full) {
    fresh = std::make_unique<State>();
    absl::StatusOr<config::BaseConfig> base = DecodeBaseConfig(base_config_json, test_mode_);
    if (!base.ok()) {
      return {StrCat("base configuration: ", std::string(base.status().message()))};
    }
    fresh->base = *std::move(base);
    auto root = config::CoreConfig::Resolve(fresh->base);
    if (!root.ok()) {
      return {StrCat("base configuration: ", std::string(root.status().message()))};
    }
    fresh->root = *std::move(root);
  }
  const State& state = full ? *fresh : *state_;

  std::unordered_map<std::string, const gatehouse::tenants::v1::Tenant*> records;
  std::set<std::string> affected;
  for (const gatehouse::tenants::v1::Tenant& record : upserted) {
    const std::string key = KeyOf(record.scope());
    const TenantPtr before = state.Get(key);
    if (!full &&
        (before == nullptr || before->record.core_config_json() != record.core_config_json())) {
      state.AddHeirs(record.scope(), affected);
    }
    affected.insert(key);
    records.insert_or_assign(key, &record);
  }
  for (const common::v1::Scope& scope : removed) affected.erase(KeyOf(scope));

  TenantResolver resolver(
      state.base, state.root,
      [&](const std::string& key) -> const gatehouse::tenants::v1::Tenant* {
        if (auto found = records.find(key); found != records.end()) return found->second;
        const TenantPtr tenant = state.Get(key);
        return tenant == nullptr ? nullptr : &tenant->record;  // state_ holds it meanwhile
      },
      [&](const std::string& key) { return affected.contains(key) ? nullptr : state.Get(key); });
  std::vector<TenantPtr> changed;
  changed.reserve(affected.size());
  for (const std::string& key : affected) {
    const gatehouse::tenants::v1::Tenant* record = nullptr;
    const TenantPtr before = state.Get(key);
    if (auto found = records.find(key); found != records.end()) {
      record = found->second;
    } else if (before != nullptr) {
      record = &before->record;
    }
    if (record == nullptr) continue;
    if (TenantPtr tenant = resolver.Resolve(*record)) changed.push_back(std::move(tenant));
  }

  {
    std::unique_lock<std::shared_mutex> lock(mutex_);
    if (full) state_ = std::move(fresh);
    for (TenantPtr& tenant : changed) state_->Put(std::move(tenant));
    for (const common::v1::Scope& scope : removed) state_->Remove(scope);
  }
  if (full || !removed.empty()) removals_.fetch_add(1, std::memory_order_relaxed);
  {
    std::lock_guard<std::mutex> lock(brief_mutex_);
    for (const auto& [key, record] : records) brief_->entries.erase(key);
    for (const common::v1::Scope& scope : removed) brief_->entries.erase(KeyOf(scope));
  }
  return std::move(resolver).problems();
}

void TenantDirectory::SetFallback(Fallback fallback) { fallback_ = std::move(fallback); }

TenantPtr TenantDirectory::Lookup(std::string_view domain, std::string_view app_id,
                                  std::string_view tenant_id) const {
  const std::string key = TenantKey(domain, app_id, tenant_id);
  std::shared_lock<std::shared_mutex> lock(mutex_);
  return state_ == nullptr ? nullptr : state_->Get(key);
}

absl::StatusOr<TenantPtr> TenantDirectory::Find(const common::v1::Scope& scope,
                                                absl::Time deadline) const {
  if (TenantPtr tenant = Lookup(scope.connection_uri_domain(), scope.app_id(), scope.tenant_id())) {
    return tenant;
  }
  if (fallback_ == nullptr || deadline == absl::InfinitePast()) return TenantNotFound(scope);
  return AskFallback(scope, deadline);
}

absl::StatusOr<TenantPtr> TenantDirectory::FindApp(const common::v1::Scope& scope,
                                                   absl::Time deadline) const {
  if (scope.tenant_id() == kPublic) return Find(scope, deadline);
  return Find(MakeScope(scope.connection_uri_domain(), scope.app_id(), kPublic), deadline);
}

absl::StatusOr<TenantPtr> TenantDirectory::AskFallback(const common::v1::Scope& scope,
                                                       absl::Time deadline) const {
  const std::string key = KeyOf(scope);
  const int64_t now_ms = clock_->NowMs();
  {
    std::lock_guard<std::mutex> lock(brief_mutex_);
    if (auto found = brief_->entries.find(key); found != brief_->entries.end()) {
      if (now_ms < found->second.until_ms) {
        if (found->second.tenant == nullptr) return TenantNotFound(scope);
        return found->second.tenant;
      }
      brief_->entries.erase(found);
    }
    if (brief_->second != now_ms / 1000) {
      brief_->second = now_ms / 1000;
      brief_->asked_in_second = 0;
    }
    // "Not found" would be a guess, and one that lets a request past the checks of what it names.
    if (++brief_->asked_in_second > kMaxFallbacksPerSecond) {
      return MakeError(ErrorReason::kOverloaded, "Too many requests");
    }
  }

  TenantPtr tenant;
  absl::StatusOr<gatehouse::tenants::v1::Tenant> record = fallback_(scope, deadline);
  if (record.ok()) {
    // What it inherits from may be new too.
    for (const std::string_view app_id : {std::string_view(scope.app_id()), kPublic}) {
      const common::v1::Scope parent = MakeScope(scope.connection_uri_domain(), app_id, kPublic);
      if (KeyOf(parent) == key) continue;
      if (absl::StatusOr<TenantPtr> found = Find(parent, deadline); !found.ok()) {
        if (ReasonOf(found.status()) != ErrorReason::kTenantNotFound) return found.status();
      }
    }
    std::unordered_map<std::string, TenantPtr> parents;
    {
      std::lock_guard<std::mutex> lock(brief_mutex_);
      for (const auto& [name, entry] : brief_->entries) {
        if (entry.tenant != nullptr) parents.emplace(name, entry.tenant);
      }
    }
    std::shared_lock<std::shared_mutex> lock(mutex_);
    if (state_ == nullptr) return TenantNotFound(scope);
    auto get = [&](const std::string& name) {
      TenantPtr known = state_->Get(name);
      if (known != nullptr) return known;
      auto found = parents.find(name);
      return found == parents.end() ? nullptr : found->second;
    };
    TenantResolver resolver(
        state_->base, state_->root,
        [&](const std::string& name) -> const gatehouse::tenants::v1::Tenant* {
          if (name == key) return &*record;
          const TenantPtr known = get(name);
          return known == nullptr ? nullptr : &known->record;
        },
        [&](const std::string& name) { return name == key ? nullptr : get(name); });
    tenant = resolver.Resolve(*record);
  } else if (ReasonOf(record.status()) != ErrorReason::kTenantNotFound) {
    return record.status();
  }

  std::lock_guard<std::mutex> lock(brief_mutex_);
  if (brief_->entries.size() >= kMaxBrief) brief_->entries.clear();
  brief_->entries.insert_or_assign(
      key, Brief::Entry{tenant, now_ms + (tenant == nullptr ? kBriefMissingMs : kBriefFoundMs)});
  if (tenant == nullptr) return TenantNotFound(scope);
  return tenant;
}

bool TenantDirectory::HasConnectionUriDomain(std::string_view domain) const {
  std::shared_lock<std::shared_mutex> lock(mutex_);
  return state_ != nullptr && state_->tree.find(domain) != state_->tree.end();
}

std::vector<TenantPtr> TenantDirectory::All() const {
  std::vector<TenantPtr> all;
  std::shared_lock<std::shared_mutex> lock(mutex_);
  if (state_ == nullptr) return all;
  all.reserve(state_->tenants.size());
  for (const auto& [key, tenant] : state_->tenants) all.push_back(tenant);
  return all;
}

std::vector<TenantPtr> TenantDirectory::TenantsOfApp(const common::v1::Scope& scope) const {
  std::vector<TenantPtr> tenants;
  std::shared_lock<std::shared_mutex> lock(mutex_);
  if (state_ == nullptr) return tenants;
  auto domain = state_->tree.find(scope.connection_uri_domain());
  if (domain == state_->tree.end()) return tenants;
  auto app = domain->second.find(scope.app_id());
  if (app == domain->second.end()) return tenants;
  for (const std::string& tenant_id : app->second) {
    tenants.push_back(state_->Get(TenantKey(domain->first, app->first, tenant_id)));
  }
  return tenants;
}

std::set<std::string> TenantDirectory::StorageIds() const {
  std::set<std::string> ids;
  std::shared_lock<std::shared_mutex> lock(mutex_);
  if (state_ == nullptr) return ids;
  for (const auto& [storage_id, count] : state_->storages) ids.insert(storage_id);
  return ids;
}

size_t TenantDirectory::size() const {
  std::shared_lock<std::shared_mutex> lock(mutex_);
  return state_ == nullptr ? 0 : state_->tenants.size();
}

bool TenantDirectory::ready() const {
  std::shared_lock<std::shared_mutex> lock(mutex_);
  return state_ != nullptr;
}

std::shared_ptr<const config::CoreConfig> TenantDirectory::base_config() const {
  std::shared_lock<std::shared_mutex> lock(mutex_);
  return state_ == nullptr ? nullptr : state_->root;
}

}  // namespace gatehouse::tenancy
