#include "libs/tenancy/directory_state.h"

#include <utility>

#include "libs/tenancy/tenant_resolver.h"

namespace gatehouse::tenancy {
namespace {

constexpr std::string_view kPublic = "public";

std::string KeyOf(const common::v1::Scope& scope) {
  return TenantKey(scope.connection_uri_domain(), scope.app_id(), scope.tenant_id());
}
std::string KeyOf(const Tenant& tenant) {
  return TenantKey(tenant.connection_uri_domain, tenant.app_id, tenant.tenant_id);
}

const DirectoryState::TenantList& NoTenants() {
  static const auto* const none =
      new DirectoryState::TenantList(std::make_shared<const std::vector<TenantPtr>>());
  return *none;
}

void Leave(std::map<std::string, std::set<std::string>>& groups, const std::string& group,
           const std::string& tenant_id) {
  auto found = groups.find(group);
  if (found == groups.end()) return;
  found->second.erase(tenant_id);
  if (found->second.empty()) groups.erase(found);
}

}  // namespace

TenantPtr DirectoryState::Get(const std::string& key) const {
  auto found = tenants_.find(key);
  return found == tenants_.end() ? nullptr : found->second;
}

const DirectoryState::LeftOut* DirectoryState::GetLeftOut(const std::string& key) const {
  auto found = left_out_.find(key);
  return found == left_out_.end() ? nullptr : &found->second;
}

const gatehouse::tenants::v1::Tenant* DirectoryState::RecordOf(const std::string& key) const {
  if (auto found = tenants_.find(key); found != tenants_.end()) return &found->second->record;
  const LeftOut* left_out = GetLeftOut(key);
  return left_out == nullptr ? nullptr : &left_out->record;
}

// Removes what Put added; the names stay.
void DirectoryState::Drop(const std::string& key) {
  left_out_.erase(key);
  auto found = tenants_.find(key);
  if (found == tenants_.end()) return;
  const Tenant& tenant = *found->second;
  App& app = domains_[tenant.connection_uri_domain][tenant.app_id];
  Leave(app.by_database, tenant.database_id, tenant.tenant_id);
  if (!tenant.storage_id.empty() && --storages_[tenant.storage_id] == 0) {
    storages_.erase(tenant.storage_id);
  }
  tenants_.erase(found);
}

void DirectoryState::Put(TenantPtr tenant) {
  std::string key = KeyOf(*tenant);
  Drop(key);
  App& app = domains_[tenant->connection_uri_domain][tenant->app_id];
  app.tenant_ids.insert(tenant->tenant_id);
  app.by_database[tenant->database_id].insert(tenant->tenant_id);
  if (!tenant->storage_id.empty()) ++storages_[tenant->storage_id];
  touched_.emplace(tenant->connection_uri_domain, tenant->app_id);
  tenants_.insert_or_assign(std::move(key), std::move(tenant));
}

void DirectoryState::PutLeftOut(const gatehouse::tenants::v1::Tenant& record, std::string why) {
  const common::v1::Scope& scope = record.scope();
  std::string key = KeyOf(scope);
  Drop(key);
  domains_[scope.connection_uri_domain()][scope.app_id()].tenant_ids.insert(scope.tenant_id());
  touched_.emplace(scope.connection_uri_domain(), scope.app_id());
  left_out_.insert_or_assign(std::move(key), LeftOut{record, std::move(why)});
}

void DirectoryState::Remove(const common::v1::Scope& scope) {
  auto domain = domains_.find(scope.connection_uri_domain());
  if (domain == domains_.end()) return;
  auto app = domain->second.find(scope.app_id());
  if (app == domain->second.end()) return;
  Drop(KeyOf(scope));
  app->second.tenant_ids.erase(scope.tenant_id());
  touched_.emplace(scope.connection_uri_domain(), scope.app_id());
  if (app->second.tenant_ids.empty()) domain->second.erase(app);
  if (domain->second.empty()) domains_.erase(domain);
}

void DirectoryState::Finish() {
  for (const auto& [domain_name, app_id] : touched_) {
    auto domain = domains_.find(domain_name);
    if (domain == domains_.end()) continue;
    auto app = domain->second.find(app_id);
    if (app == domain->second.end()) continue;
    app->second.one_per_database = OneOfEach(domain_name, app_id, app->second.by_database);
  }
  touched_.clear();
}

DirectoryState::TenantList DirectoryState::OneOfEach(const std::string& domain,
                                                     const std::string& app_id,
                                                     const Groups& groups) const {
  auto list = std::make_shared<std::vector<TenantPtr>>();
  const std::string public_id(kPublic);
  if (TenantPtr app = Get(TenantKey(domain, app_id, kPublic))) list->push_back(std::move(app));
  for (const auto& [group, tenant_ids] : groups) {
    if (tenant_ids.contains(public_id)) continue;
    list->push_back(Get(TenantKey(domain, app_id, *tenant_ids.begin())));
  }
  return list;
}

void DirectoryState::AddHeirs(const common::v1::Scope& scope, std::set<std::string>& keys) const {
  if (scope.tenant_id() != kPublic) return;
  auto domain = domains_.find(scope.connection_uri_domain());
  if (domain == domains_.end()) return;
  for (const auto& [app_id, app] : domain->second) {
    if (scope.app_id() != kPublic && app_id != scope.app_id()) continue;
    for (const std::string& tenant_id : app.tenant_ids) {
      keys.insert(TenantKey(domain->first, app_id, tenant_id));
    }
  }
}

const DirectoryState::App* DirectoryState::AppOf(const Tenant& app) const {
  // Nothing is shown for another app of its name.
  const TenantPtr known = Get(TenantKey(app.connection_uri_domain, app.app_id, kPublic));
  if (known == nullptr || known->app_incarnation != app.app_incarnation) return nullptr;
  return &domains_.find(app.connection_uri_domain)->second.at(app.app_id);
}

DirectoryState::TenantList DirectoryState::OnePerDatabase(const Tenant& app) const {
  const App* known = AppOf(app);
  return known == nullptr ? NoTenants() : known->one_per_database;
}

bool DirectoryState::HasOneDatabase(const Tenant& tenant) const {
  const App* known = AppOf(tenant);
  return known != nullptr && known->by_database.size() == 1 &&
         known->by_database.contains(tenant.database_id);
}

size_t DirectoryState::CountOfApp(const Tenant& app) const {
  const App* known = AppOf(app);
  return known == nullptr ? 0 : known->tenant_ids.size();
}

}  // namespace gatehouse::tenancy
