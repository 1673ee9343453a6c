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

absl::StatusOr<const json::Value*> TenantResolver::SettingsOf(const std::string& key) {
  auto found = settings_.find(key);
  if (found == settings_.end()) {
    absl::StatusOr<json::Value> settings = json::Value();
    const gatehouse::tenants::v1::Tenant* record = record_of_(key);
    if (record != nullptr && record->core_config_json().size() > 2) {
      settings = json::Parse(record->core_config_json());
      if (!settings.ok() || !settings->is_object()) {
        settings = absl::InvalidArgumentError("the stored settings are no JSON object");
      }
    }
    found = settings_.emplace(key, std::move(settings)).first;
  }
  if (!found->second.ok()) return found->second.status();
  const json::Value& settings = *found->second;
  return settings.is_object() && settings.size() > 0 ? &settings : nullptr;
}

absl::StatusOr<TenantPtr> TenantResolver::ParentOf(const common::v1::Scope& scope) {
  const bool is_public = scope.tenant_id() == kPublic;
  if (is_public && scope.app_id() == kPublic) return nullptr;
  const std::string key =
      TenantKey(scope.connection_uri_domain(), is_public ? kPublic : scope.app_id(), kPublic);
  if (TenantPtr unchanged = unchanged_of_(key)) return unchanged;
  const gatehouse::tenants::v1::Tenant* record = record_of_(key);
  if (record == nullptr) {
    // A domain's keys apply in addition to its apps'; a tenant has only its app's.
    if (is_public) return nullptr;
    return absl::FailedPreconditionError("its app's public tenant does not exist");
  }
  if (TenantPtr resolved = Resolve(*record)) return resolved;
  return absl::FailedPreconditionError("what it inherits from is left out");
}

absl::StatusOr<std::shared_ptr<const config::CoreConfig>> TenantResolver::ConfigOf(
    const common::v1::Scope& scope, const std::string& key, const Tenant* parent) {
  ASSIGN_OR_RETURN(const json::Value* own, SettingsOf(key));
  if (own == nullptr) return parent == nullptr ? root_ : parent->config;
  const std::string& domain = scope.connection_uri_domain();
  const std::string app = TenantKey(domain, scope.app_id(), kPublic);
  const std::string whole_domain = TenantKey(domain, kPublic, kPublic);
  std::array<const json::Value*, 3> layers = {own, nullptr, nullptr};
  if (app != key) {
    ASSIGN_OR_RETURN(layers[1], SettingsOf(app));
  }
  if (whole_domain != key && whole_domain != app) {
    ASSIGN_OR_RETURN(layers[2], SettingsOf(whole_domain));
  }
  return config::CoreConfig::Resolve(base_, layers);
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
  const absl::StatusOr<TenantPtr> parent = ParentOf(scope);
  absl::StatusOr<std::shared_ptr<const config::CoreConfig>> config =
      parent.ok() ? ConfigOf(scope, key, parent->get())
                  : absl::StatusOr<std::shared_ptr<const config::CoreConfig>>(parent.status());
  if (!config.ok()) {
    reasons_.insert_or_assign(
        key, Reason{StrCat("tenant ", tenant->name(), ": ", std::string(config.status().message())),
                    !parent.ok()});
    resolved_.emplace(key, nullptr);
    return nullptr;
  }
  tenant->config = *std::move(config);
  tenant->app_incarnation =
      tenant->is_public() ? record.incarnation() : (*parent)->record.incarnation();
  tenant->storage_id = StorageIdOf(*tenant->config, *root_);
  tenant->database_id = DatabaseIdOf(*tenant->config, *root_);
  resolved_.emplace(key, tenant);
  return tenant;
}

}  // namespace gatehouse::tenancy
