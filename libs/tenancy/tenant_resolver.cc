#include "libs/tenancy/tenant_resolver.h"

#include <array>

#include "libs/base/status.h"
#include "libs/base/strings.h"

namespace gatehouse::tenancy {
namespace {

constexpr std::string_view kPublic = "public";

}  // namespace

std::string StorageIdOf(const config::CoreConfig& config, const config::CoreConfig& root) {
  if (&config == &root) return "";
  const std::string pool = config.db().ConnectionPoolId();
  const std::string database = config.db().UserPoolId();
  if (pool == root.db().ConnectionPoolId() && database == root.db().UserPoolId()) return "";
  // A pool's statements name its tables.
  std::string id = StrCat(database, "\n", pool, "\n", config.db().table_names_prefix);
  for (const auto& [base_name, name] : config.db().custom_table_names) {
    id += StrCat("\n", base_name, "=", name);
  }
  return id;
}

std::string DatabaseIdOf(const config::CoreConfig& config, const config::CoreConfig& root) {
  if (&config == &root) return "";
  std::string database = config.db().UserPoolId();
  return database == root.db().UserPoolId() ? "" : database;
}

std::string TenantKey(std::string_view domain, std::string_view app_id,
                      std::string_view tenant_id) {
  return StrCat(domain, "\n", app_id, "\n", tenant_id);
}

TenantResolver::TenantResolver(const config::BaseConfig& base,
                               std::shared_ptr<const config::CoreConfig> root, RecordOf record_of,
                               UnchangedOf unchanged_of)
    : base_(base),
      root_(std::move(root)),
      record_of_(std::move(record_of)),
      unchanged_of_(std::move(unchanged_of)) {}

const json::Value* TenantResolver::SettingsOf(const std::string& key) {
  auto found = settings_.find(key);
  if (found == settings_.end()) {
    json::Value settings;
    const gatehouse::tenants::v1::Tenant* record = record_of_(key);
    if (record != nullptr && record->core_config_json().size() > 2) {
      absl::StatusOr<json::Value> parsed = json::Parse(record->core_config_json());
      if (parsed.ok()) settings = *std::move(parsed);
    }
    found = settings_.emplace(key, std::move(settings)).first;
  }
  const json::Value& settings = found->second;
  return settings.is_object() && settings.size() > 0 ? &settings : nullptr;
}

std::shared_ptr<const config::CoreConfig> TenantResolver::Inherited(
    const gatehouse::tenants::v1::Tenant& record) {
  const common::v1::Scope& scope = record.scope();
  const bool is_public = scope.tenant_id() == kPublic;
  if (is_public && scope.app_id() == kPublic) return root_;
  const std::string parent =
      TenantKey(scope.connection_uri_domain(), is_public ? kPublic : scope.app_id(), kPublic);
  if (TenantPtr unchanged = unchanged_of_(parent)) return unchanged->config;
  const gatehouse::tenants::v1::Tenant* parent_record = record_of_(parent);
  if (parent_record == nullptr) return root_;
  TenantPtr resolved = Resolve(*parent_record);
  return resolved == nullptr ? root_ : resolved->config;
}

TenantPtr TenantResolver::Resolve(const gatehouse::tenants::v1::Tenant& record) {
  const common::v1::Scope& scope = record.scope();
  const std::string& domain = scope.connection_uri_domain();
  const std::string key = TenantKey(domain, scope.app_id(), scope.tenant_id());
  if (auto found = resolved_.find(key); found != resolved_.end()) return found->second;

  auto tenant = std::make_shared<Tenant>();
  tenant->connection_uri_domain = domain;
  tenant->app_id = scope.app_id();
  tenant->tenant_id = scope.tenant_id();
  tenant->record = record;

  const json::Value* own = SettingsOf(key);
  if (own == nullptr) {
    tenant->config = Inherited(record);
  } else {
    const std::string app = TenantKey(domain, scope.app_id(), kPublic);
    const std::string whole_domain = TenantKey(domain, kPublic, kPublic);
    const std::array<const json::Value*, 3> layers = {
        own, app == key ? nullptr : SettingsOf(app),
        whole_domain == key || whole_domain == app ? nullptr : SettingsOf(whole_domain)};
    auto config = config::CoreConfig::Resolve(base_, layers);
    if (!config.ok()) {
      problems_.push_back(StrCat("tenant (", domain, ", ", scope.app_id(), ", ", scope.tenant_id(),
                                 "): ", std::string(config.status().message())));
      resolved_.emplace(key, nullptr);
      return nullptr;
    }
    tenant->config = *std::move(config);
  }
  tenant->storage_id = StorageIdOf(*tenant->config, *root_);
  tenant->database_id = DatabaseIdOf(*tenant->config, *root_);
  resolved_.emplace(key, tenant);
  return tenant;
}

}  // namespace gatehouse::tenancy
