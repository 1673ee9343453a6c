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

// Identifies the connection pool that a configuration selects, and its tables. The base database
// has the empty id, whatever its settings: they don't contain an embedded server's address.
std::string StorageIdOf(const config::CoreConfig& config, const config::CoreConfig& root);
// The same for all pools that lead to one database and schema.
std::string DatabaseIdOf(const config::CoreConfig& config, const config::CoreConfig& root);

// Turns records into tenants with their whole configuration: a tenant inherits from its app's
// public tenant, that from its connection-URI domain's, that from the base configuration. Tenants
// that set nothing share the configuration of what they inherit from. Lives for one change of the
// directory. For one thread.
class TenantResolver {
 public:
  // The record of a tenant after the change; null when there is none.
  using RecordOf = std::function<const gatehouse::tenants::v1::Tenant*(const std::string& key)>;
  // A tenant that the change does not affect; null if it has to be resolved.
  using UnchangedOf = std::function<TenantPtr(const std::string& key)>;

  TenantResolver(const config::BaseConfig& base, std::shared_ptr<const config::CoreConfig> root,
                 RecordOf record_of, UnchangedOf unchanged_of);

  // Null when it can't be served: its settings, or those that it inherits, are not valid here, or
  // the app whose keys apply to it does not exist. WhyNot then returns the reason.
  TenantPtr Resolve(const gatehouse::tenants::v1::Tenant& record);
  // Text for the log about a tenant for which Resolve returned null.
  struct Reason {
    std::string text;
    bool inherited = false;  // the fault is another tenant's
  };
  const Reason& WhyNot(const std::string& key) const { return reasons_.at(key); }

 private:
  // The parsed settings of a tenant; null if it has none or there is no such tenant.
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
