#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "gatehouse/tenants/v1/tenant.pb.h"
#include "libs/config/core_config.h"
#include "libs/tenancy/tenant.h"

namespace gatehouse::tenancy {

// The tenants that a directory knows, and what is computed from them in advance: inheritance, and
// the databases of each app. Keys are TenantKeys. One writer; concurrent readers only under its
// owner's lock.
class DirectoryState {
 public:
  // A tenant whose settings are not valid here, so it is not served.
  struct LeftOut {
    gatehouse::tenants::v1::Tenant record;
    std::string why;  // for the log
  };
  using TenantList = std::shared_ptr<const std::vector<TenantPtr>>;  // never null

  config::BaseConfig base;
  std::shared_ptr<const config::CoreConfig> root;  // `base`, resolved

  // Null when there is none, or if it is left out.
  TenantPtr Get(const std::string& key) const;
  const LeftOut* GetLeftOut(const std::string& key) const;
  // As configured, left out or not; null when there is none. Valid until the next change.
  const gatehouse::tenants::v1::Tenant* RecordOf(const std::string& key) const;

  void Put(TenantPtr tenant);
  void PutLeftOut(const gatehouse::tenants::v1::Tenant& record, std::string why);
  void Remove(const common::v1::Scope& scope);
  // Call it after changes, before any read.
  void Finish();

  // The keys of those whose configuration depends on that of `scope`, without itself.
  void AddHeirs(const common::v1::Scope& scope, std::set<std::string>& keys) const;

  // Whether there are others than the default one, "".
  bool HasDomains() const { return domains_.size() > (HasDomain("") ? 1u : 0u); }
  bool HasDomain(std::string_view domain) const { return domains_.find(domain) != domains_.end(); }
  // The app's public tenant first, if it exists, then one tenant for each further database with
  // rows of the app.
  TenantList OnePerDatabase(const Tenant& app) const;
  // Whether all rows of the tenant's app are in its database.
  bool HasOneDatabase(const Tenant& tenant) const;
  size_t CountOfApp(const Tenant& app) const;
  const std::unordered_map<std::string, TenantPtr>& tenants() const { return tenants_; }
  const std::unordered_map<std::string, LeftOut>& left_out() const { return left_out_; }
  // Tenants by storage id, without the base one's.
  const std::map<std::string, size_t>& storages() const { return storages_; }

 private:
  using Groups = std::map<std::string, std::set<std::string>>;  // tenant ids
  struct App {
    std::set<std::string> tenant_ids;  // including those left out
    Groups by_database;
    TenantList one_per_database;
  };

  const App* AppOf(const Tenant& app) const;
  void Drop(const std::string& key);
  TenantList OneOfEach(const std::string& domain, const std::string& app_id,
                       const Groups& groups) const;

  std::unordered_map<std::string, TenantPtr> tenants_;
  std::unordered_map<std::string, LeftOut> left_out_;
  std::map<std::string, std::map<std::string, App>, std::less<>> domains_;  // by domain, app id
  std::map<std::string, size_t> storages_;
  std::set<std::pair<std::string, std::string>> touched_;  // apps changed since Finish
};

}  // namespace gatehouse::tenancy
