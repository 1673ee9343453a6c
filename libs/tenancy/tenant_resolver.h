#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "absl/status/statusor.h"
#include "libs/base/json.h"
#include "libs/tenancy/tenant.h"

namespace gatehouse::tenancy {

// A tenant's names in one string, as a key of hash maps.
std::string TenantKey(std::string_view domain, std::string_view app_id, std::string_view tenant_id);

// Which pool of connections a configuration chooses, and which tables with it. The base database has the empty id, whatever its
// settings: an embedded server's address is in none of them.
std::string StorageIdOf(const config::CoreConfig& config, const config::CoreConfig& root);
// The same for all pools that lead to one database and schema.
std::string DatabaseIdOf(const config::CoreConfig& config, const config::CoreConfig& root);

// Turns records into tenants with their whole configuration: a tenant inherits from its app's
// public tenant, that from its connection-URI domain's, that from the base configuration. Tenants
// that set nothing share the configuration of what they inherit from. Lives for one change of the
// directory; one thread.
class TenantResolver {
 public:
  // The record of a tenant as it is after the change; null when there is none.
  using RecordOf = std::function<const gatehouse::tenants::v1::Tenant*(const std::string& key)>;
  // A tenant that the change does not affect; null when it has to be resolved.
  using UnchangedOf = std::function<TenantPtr(const std::string& key)>;

  TenantResolver(const config::BaseConfig& base, std::shared_ptr<const config::CoreConfig> root,
                 RecordOf record_of, UnchangedOf unchanged_of);

  // Null when it can't be judged: its settings, or those of what it inherits from, are not valid
  // here, or the app whose keys count for it is not there. WhyNot says it then.
  TenantPtr Resolve(const gatehouse::tenants::v1::Tenant& record);
  // In words for the log, of a tenant that Resolve gave null for.
  struct Reason {
    std::string text;
    bool inherited = false;  // the fault is another tenant's
  };
  const Reason& WhyNot(const std::string& key) const { return reasons_.at(key); }

 private:
  // The parsed settings of a tenant; null when it has none of its own or there is no such tenant.
  absl::StatusOr<const json::Value*> SettingsOf(const std::string& key);
  // Null for a domain's public tenant, which inherits from the base configuration.
  absl::StatusOr<TenantPtr> ParentOf(const common::v1::Scope& scope);
  absl::StatusOr<std::shared_ptr<const config::CoreConfig>> ConfigOf(const common::v1::Scope& scope,
                                                                     const std::string& key,
                                                                     const Tenant* parent);

  const config::BaseConfig& base_;
  const std::shared_ptr<const config::CoreConfig> root_;
  const RecordOf record_of_;
  const UnchangedOf unchanged_of_;
  std::unordered_map<std::string, absl::StatusOr<json::Value>> settings_;
  std::unordered_map<std::string, TenantPtr> resolved_;
  std::unordered_map<std::string, Reason> reasons_;
};

}  // namespace gatehouse::tenancy
