#include "libs/config/tenant_config_rules.h"

#include <unordered_map>

#include "absl/strings/str_cat.h"
#include "libs/base/json.h"
#include "libs/base/status.h"

namespace gatehouse::config {
namespace {

constexpr std::string_view kPublic = "public";

absl::Status CoreConfigError(absl::string_view text) {
  const std::string message = absl::StrCat("Invalid core config: ", text);
  return BadInput(message);
}

// Turns an InvalidArgument of this library into what the client sees.
absl::Status Prefixed(const absl::Status& status) { return CoreConfigError(status.message()); }

std::string KeyOf(std::string_view domain, std::string_view app_id, std::string_view tenant_id) {
  std::string key;
  key.reserve(domain.size() + app_id.size() + tenant_id.size() + 2);
  key.append(domain).append(1, '|').append(app_id).append(1, '|').append(tenant_id);
  return key;
}

bool HasKeyOf(const json::Value* config, SettingScope scope) {
  if (config == nullptr) return false;
  for (const json::Member& member : config->members()) {
    const CoreSetting* setting = FindSetting(member.key);
    if (setting != nullptr && setting->scope == scope) return true;
  }
  return false;
}

// All tenants as they would be after the update.
class Tenants {
 public:
  Tenants(const BaseConfig& base, const TenantUpdate& update, std::span<const TenantRow> rows)
      : base_(base), target_(update.target) {
    rows_.reserve(rows.size() + 2);
    for (const TenantRow& row : rows) {
      if (!(row.name == target_)) rows_.push_back(row);
    }
    rows_.push_back({target_, update.core_config});
    for (const TenantRow& row : rows_) {
      configs_.emplace(
          KeyOf(row.name.connection_uri_domain, row.name.app_id, row.name.tenant_id),
          row.core_config);
    }
    if (!configs_.contains(KeyOf("", kPublic, kPublic))) rows_.insert(rows_.begin(), TenantRow{});
  }

  const std::vector<TenantRow>& rows() const { return rows_; }
  const BaseConfig& base() const { return base_; }

  std::array<const json::Value*, 3> LayersOf(const TenantName& name) const {
    return {Find(name.connection_uri_domain, name.app_id, name.tenant_id),
            Find(name.connection_uri_domain, name.app_id, kPublic),
            Find(name.connection_uri_domain, kPublic, kPublic)};
  }

  bool IsTarget(const TenantName& name) const { return name == target_; }

  // Whether the update changes what `name` resolves to: itself, or what it inherits from.
  bool IsAffected(const TenantName& name) const {
    if (name.connection_uri_domain != target_.connection_uri_domain) return false;
    if (name == target_) return true;
    if (target_.tenant_id != kPublic) return false;
    return target_.app_id == kPublic || target_.app_id == name.app_id;
  }

 private:
  const json::Value* Find(std::string_view domain, std::string_view app_id,
                          std::string_view tenant_id) const {
    auto it = configs_.find(KeyOf(domain, app_id, tenant_id));
    return it == configs_.end() ? nullptr : it->second;
  }

  const BaseConfig& base_;
  const TenantName target_;
  std::vector<TenantRow> rows_;
  std::unordered_map<std::string, const json::Value*> configs_;
};

absl::Status CheckKeys(const TenantUpdate& update) {
  for (const json::Member& member : update.core_config->members()) {
    if (!IsTenantConfigKey(member.key)) {
      return CoreConfigError(absl::StrCat("Invalid config key: ", member.key));
    }
  }
  return absl::OkStatus();
}

// Tables of one database have one set of names.
absl::Status CheckSameTables(const DbSettings& a, const DbSettings& b) {
  if (a.table_names_prefix != b.table_names_prefix) {
    return CoreConfigError(
        "You cannot set different values for postgresql_table_names_prefix for the same user pool");
  }
  for (const char* table : {"key_value", "session_info", "emailpassword_users",
                            "emailpassword_pswd_reset_tokens", "emailverification_tokens",
                            "emailverification_verified_emails", "thirdparty_users"}) {
    auto name_in = [table](const DbSettings& settings) {
      auto it = settings.custom_table_names.find(table);
      return it == settings.custom_table_names.end() ? std::string(table) : it->second;
    };
    if (name_in(a) != name_in(b)) {
      return CoreConfigError(absl::StrCat("You cannot set different values for postgresql_", table,
                                          "_table_name for the same user pool"));
    }
  }
  return absl::OkStatus();
}

// A database belongs to one connection URI domain. Only conflicts that the update causes count, so
// existing ones do not block it.
absl::Status CheckUserPools(const Tenants& tenants) {
  struct Pool {
    std::string domain;
    std::shared_ptr<const DbSettings> settings;
  };
  std::unordered_map<std::string, Pool> pools;
  std::shared_ptr<const DbSettings> base_settings;
  for (const bool affected : {false, true}) {
    for (const TenantRow& row : tenants.rows()) {
      if (tenants.IsAffected(row.name) != affected) continue;
      const auto layers = tenants.LayersOf(row.name);
      const bool own_database = HasKeyOf(layers[0], SettingScope::kDatabase) ||
                                HasKeyOf(layers[1], SettingScope::kDatabase) ||
                                HasKeyOf(layers[2], SettingScope::kDatabase);
      std::shared_ptr<const DbSettings> settings = own_database ? nullptr : base_settings;
      if (settings == nullptr) {
        auto resolved = CoreConfig::ResolveDatabase(tenants.base(), layers);
        if (!resolved.ok()) {
          if (!affected) continue;
          return Prefixed(resolved.status());
        }
        settings = *std::move(resolved);
        if (!own_database) base_settings = settings;
      }
      auto [it, is_new] =
          pools.try_emplace(settings->UserPoolId(), Pool{row.name.connection_uri_domain, settings});
      if (is_new || !affected) continue;
      if (it->second.domain != row.name.connection_uri_domain) {
        return CoreConfigError(absl::StrCat("ConnectionUriDomain: ", it->second.domain,
                                            " cannot be mapped to the same user pool as ",
                                            row.name.connection_uri_domain));
      }
      RETURN_IF_ERROR(CheckSameTables(*it->second.settings, *settings));
    }
  }
  return absl::OkStatus();
}

// Keys of `scope` must have one value in `a` and `b`, which are in the same `where`.
absl::Status CheckSame(SettingScope scope, std::string_view where, const CoreConfig& a,
                       const CoreConfig& b) {
  for (const CoreSetting& setting : CoreSettings()) {
    if (setting.scope != scope) continue;
    const bool same = setting.id == Setting::kApiKeys ? a.api_keys() == b.api_keys()
                                                      : a.value(setting.id) == b.value(setting.id);
    if (!same) {
      return CoreConfigError(
          absl::StrCat("You cannot set different values for ",
                       absl::string_view(setting.name.data(), setting.name.size()),
                       " for the same ", absl::string_view(where.data(), where.size())));
    }
  }
  return absl::OkStatus();
}

// Every tenant that the update changes must agree with its app's public tenant, and that with the
// domain's. One that sets nothing itself inherits everything from there, so it agrees.
absl::Status CheckApps(const Tenants& tenants) {
  std::unordered_map<std::string, std::shared_ptr<const CoreConfig>> apps;
  const auto public_tenant_of = [&](const std::string& domain, const std::string& app_id)
      -> absl::StatusOr<std::shared_ptr<const CoreConfig>> {
    std::shared_ptr<const CoreConfig>& app = apps[KeyOf(domain, app_id, "")];
    if (app == nullptr) {
      auto resolved = CoreConfig::Resolve(tenants.base(), tenants.LayersOf({domain, app_id}));
      if (!resolved.ok()) return Prefixed(resolved.status());
      app = *std::move(resolved);
    }
    return app;
  };
  for (const TenantRow& row : tenants.rows()) {
    if (!tenants.IsAffected(row.name)) continue;
    const bool is_target = tenants.IsTarget(row.name);
    if (!is_target && (row.core_config == nullptr || row.core_config->size() == 0)) continue;
    auto own = CoreConfig::Resolve(tenants.base(), tenants.LayersOf(row.name));
    if (!own.ok()) return Prefixed(own.status());
    const std::string& domain = row.name.connection_uri_domain;
    if (row.name.tenant_id != kPublic) {
      ASSIGN_OR_RETURN(const auto app, public_tenant_of(domain, row.name.app_id));
      RETURN_IF_ERROR(CheckSame(SettingScope::kPerApp, "appId", *app, **own));
    }
    if (row.name.tenant_id != kPublic || row.name.app_id != kPublic) {
      ASSIGN_OR_RETURN(const auto whole, public_tenant_of(domain, std::string(kPublic)));
      RETURN_IF_ERROR(CheckSame(SettingScope::kPerDomain, "connectionUriDomain", *whole, **own));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckBaseOnly(const TenantUpdate& update) {
  for (const CoreSetting& setting : CoreSettings()) {
    if (setting.scope != SettingScope::kBaseOnly) continue;
    if (update.core_config->Find(setting.name) == nullptr) continue;
    return CoreConfigError(absl::StrCat(absl::string_view(setting.name.data(), setting.name.size()),
                                        " can only be set via the core's base config setting"));
  }
  return absl::OkStatus();
}

}  // namespace

json::Value MergeCoreConfig(const json::Value& stored, const json::Value& update) {
  json::Value merged = stored.is_object() ? stored : json::Value::Object();
  for (const json::Member& member : update.members()) {
    if (member.value.is_null() && merged.Find(member.key) != nullptr) {
      merged.Remove(member.key);
    } else {
      merged.Set(member.key, member.value);
    }
  }
  return merged;
}

absl::StatusOr<std::shared_ptr<const CoreConfig>> CheckTenantUpdate(
    const BaseConfig& base, const TenantUpdate& update, std::span<const TenantRow> rows) {
  static const auto* const kEmpty = new json::Value(json::Value::Object());
  TenantUpdate change = update;
  if (change.core_config == nullptr) change.core_config = kEmpty;
  if (change.target == TenantName{}) {
    if (change.core_config->size() > 0) return BadInput("Cannot modify base config");
    return CoreConfig::Resolve(base);
  }
  RETURN_IF_ERROR(CheckKeys(change));
  if (change.prevent_protected) {
    RETURN_IF_ERROR(CheckProtectedKeys(change.stored, change.core_config));
  }
  const Tenants tenants(base, change, rows);
  const auto layers = tenants.LayersOf(change.target);
  auto database = CoreConfig::ResolveDatabase(base, layers);
  if (!database.ok()) return Prefixed(database.status());
  RETURN_IF_ERROR(CheckUserPools(tenants));
  auto config = CoreConfig::Resolve(base, layers);
  if (!config.ok()) return Prefixed(config.status());
  RETURN_IF_ERROR(CheckApps(tenants));
  RETURN_IF_ERROR(CheckBaseOnly(change));
  return *std::move(config);
}

absl::Status CheckProtectedKeys(const json::Value* stored, const json::Value* next) {
  const auto find = [](const json::Value* config, std::string_view key) {
    return config == nullptr ? nullptr : config->Find(key);
  };
  for (const bool database : {true, false}) {
    for (const CoreSetting& setting : CoreSettings()) {
      if (!setting.Has(kProtected)) continue;
      if ((setting.scope == SettingScope::kDatabase) != database) continue;
      const json::Value* before = find(stored, setting.name);
      const json::Value* after = find(next, setting.name);
      // A null differs from an absent key: it hides what would be inherited.
      const bool same = before == nullptr || after == nullptr ? before == after : *before == *after;
      if (same) continue;
      return Forbidden(database ? "Not allowed to modify DB related configs."
                                : "Not allowed to modify protected configs.");
    }
  }
  return absl::OkStatus();
}

json::Value WithoutProtectedKeys(const json::Value& core_config) {
  json::Value visible = json::Value::Object();
  for (const json::Member& member : core_config.members()) {
    const CoreSetting* setting = FindSetting(member.key);
    if (setting != nullptr && setting->Has(kProtected)) continue;
    visible.Set(member.key, member.value);
  }
  return visible;
}

}  // namespace gatehouse::config
