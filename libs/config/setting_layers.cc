#include "libs/config/setting_layers.h"

#include <bitset>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "libs/base/json.h"
#include "libs/base/status.h"
#include "libs/config/connection_uri.h"

namespace gatehouse::config {
namespace {

// No single database server takes more.
constexpr int64_t kMaxPoolSize = 10000;
// PostgreSQL cuts names at 63 bytes; the prefix needs room for the name that follows it.
constexpr size_t kMaxIdentifierBytes = 63;
constexpr size_t kMaxPrefixBytes = 20;

struct CustomTable {
  Setting id;
  const char* base_name;
};
constexpr CustomTable kCustomTables[] = {
    {Setting::kPostgresqlKeyValueTableName, "key_value"},
    {Setting::kPostgresqlSessionInfoTableName, "session_info"},
    {Setting::kPostgresqlEmailpasswordUsersTableName, "emailpassword_users"},
    {Setting::kPostgresqlEmailpasswordPswdResetTokensTableName, "emailpassword_pswd_reset_tokens"},
    {Setting::kPostgresqlEmailverificationTokensTableName, "emailverification_tokens"},
    {Setting::kPostgresqlEmailverificationVerifiedEmailsTableName,
     "emailverification_verified_emails"},
    {Setting::kPostgresqlThirdpartyUsersTableName, "thirdparty_users"},
};

// These names become part of SQL text.
bool IsPlainIdentifier(std::string_view name, size_t max_bytes) {
  if (name.empty() || name.size() > max_bytes) return false;
  if (absl::ascii_isdigit(static_cast<unsigned char>(name.front()))) return false;
  for (unsigned char c : name) {
    if (!absl::ascii_isalnum(c) && c != '_') return false;
  }
  return true;
}

class DbReader {
 public:
  DbReader(const std::array<SettingValue, kSettingCount>& values, std::vector<SettingIssue>& issues)
      : values_(values), issues_(issues) {}

  DbSettings Read() {
    ReadSingleKeys();
    ReadUri();
    ReadMigrationMode();
    ReadNames();
    return std::move(db_);
  }

 private:
  const SettingValue& Value(Setting id) const { return values_[static_cast<size_t>(id)]; }
  const std::string* Text(Setting id) const { return std::get_if<std::string>(&Value(id)); }
  std::string TrimmedText(Setting id) const {
    const std::string* text = Text(id);
    return text == nullptr ? std::string() : std::string(absl::StripAsciiWhitespace(*text));
  }
  void Take(Setting id, std::string& field) const {
    if (const std::string* text = Text(id); text != nullptr) field = *text;
  }
  void Issue(Setting id, std::string text) { issues_.push_back({id, std::move(text)}); }

  void ReadSingleKeys() {
    Take(Setting::kPostgresqlHost, db_.host);
    Take(Setting::kPostgresqlUser, db_.user);
    Take(Setting::kPostgresqlPassword, db_.password);
    Take(Setting::kPostgresqlDatabaseName, db_.database_name);
    Take(Setting::kPostgresqlTableSchema, db_.table_schema);
    Take(Setting::kPostgresqlConnectionAttributes, db_.connection_attributes);
    Take(Setting::kPostgresqlConnectionScheme, db_.connection_scheme);
    db_.configured = Text(Setting::kPostgresqlConnectionUri) != nullptr ||
                     Text(Setting::kPostgresqlUser) != nullptr ||
                     Text(Setting::kPostgresqlPassword) != nullptr;

    const int64_t port = std::get<int64_t>(Value(Setting::kPostgresqlPort));
    if (port > 65535) Issue(Setting::kPostgresqlPort, "'postgresql_port' must be <= 65535");
    if (port > 0) db_.port = static_cast<int>(port);

    const int64_t pool_size = std::get<int64_t>(Value(Setting::kPostgresqlConnectionPoolSize));
    if (pool_size <= 0) {
      Issue(Setting::kPostgresqlConnectionPoolSize,
            "'postgresql_connection_pool_size' in the config.yaml file must be > 0");
    } else if (pool_size > kMaxPoolSize) {
      Issue(Setting::kPostgresqlConnectionPoolSize,
            absl::StrCat("'postgresql_connection_pool_size' must be <= ", kMaxPoolSize));
    }
    db_.connection_pool_size = static_cast<int>(pool_size);
    db_.idle_connection_timeout_ms =
        std::get<int64_t>(Value(Setting::kPostgresqlIdleConnectionTimeout));
    const int64_t* idle = std::get_if<int64_t>(&Value(Setting::kPostgresqlMinimumIdleConnections));
    if (idle == nullptr) return;
    if (*idle < 0) {
      Issue(Setting::kPostgresqlMinimumIdleConnections,
            "'postgresql_minimum_idle_connections' must be >= 0");
    } else if (*idle > pool_size) {
      Issue(Setting::kPostgresqlMinimumIdleConnections,
            "'postgresql_minimum_idle_connections' must be less than or equal to "
            "'postgresql_connection_pool_size'");
    }
    db_.minimum_idle_connections = static_cast<int>(*idle);
  }

  void ReadUri() {
    if (const std::string* text = Text(Setting::kPostgresqlConnectionUri); text != nullptr) {
      std::optional<ConnectionUri> uri = ParseConnectionUri(*text);
      if (!uri.has_value()) {
        Issue(Setting::kPostgresqlConnectionUri,
              "The provided postgresql connection URI has an incorrect format. Please use a format "
              "like "
              "postgresql://[user[:[password]]@]host[:port][/dbname][?attr1=val1&attr2=val2...");
        return;
      }
      if (uri->user) db_.user = *std::move(uri->user);
      if (uri->password) db_.password = *std::move(uri->password);
      if (uri->host) db_.host = *std::move(uri->host);
      if (uri->port) db_.port = *uri->port;
      if (uri->database_name) db_.database_name = *std::move(uri->database_name);
      if (uri->scheme) db_.connection_scheme = *std::move(uri->scheme);
      if (uri->attributes) {
        db_.connection_attributes = *std::move(uri->attributes);
        // The original appends it too, and the attributes are part of the pool's identity.
        if (!absl::StrContains(db_.connection_attributes, "allowPublicKeyRetrieval=")) {
          db_.connection_attributes += "&allowPublicKeyRetrieval=true";
        }
      }
    }
    // As the original does, the attribute overrides postgresql_table_schema only together with a
    // URI.
    if (Text(Setting::kPostgresqlConnectionUri) == nullptr) return;
    if (auto schema = FindAttribute(db_.connection_attributes, "currentSchema"); schema) {
      db_.table_schema = *std::move(schema);
    }
  }

  void ReadMigrationMode() {
    const std::string* text = Text(Setting::kMigrationMode);
    if (text == nullptr) return;
    if (std::optional<MigrationMode> mode = ParseMigrationMode(*text); mode.has_value()) {
      db_.migration_mode = *mode;
      return;
    }
    Issue(Setting::kMigrationMode,
          absl::StrCat("Invalid migration_mode value: '", *text,
                       "'. Must be one of: LEGACY, DUAL_WRITE_READ_OLD, DUAL_WRITE_READ_NEW, "
                       "MIGRATED"));
  }

  void ReadNames() {
    db_.table_schema = std::string(absl::StripAsciiWhitespace(db_.table_schema));
    if (db_.table_schema.empty()) db_.table_schema = "public";
    CheckName(Setting::kPostgresqlTableSchema, db_.table_schema, kMaxIdentifierBytes);
    db_.table_names_prefix = TrimmedText(Setting::kPostgresqlTableNamesPrefix);
    if (!db_.table_names_prefix.empty()) {
      CheckName(Setting::kPostgresqlTableNamesPrefix, db_.table_names_prefix, kMaxPrefixBytes);
    }
    for (const CustomTable& table : kCustomTables) {
      std::string name = TrimmedText(table.id);
      if (name.empty()) continue;
      CheckName(table.id, name, kMaxIdentifierBytes);
      db_.custom_table_names.emplace(table.base_name, std::move(name));
    }
  }

  void CheckName(Setting id, std::string_view name, size_t max_bytes) {
    if (IsPlainIdentifier(name, max_bytes)) return;
    const std::string_view key = SettingOf(id).name;
    Issue(id, absl::StrCat("'", absl::string_view(key.data(), key.size()),
                           "' must consist of letters, digits and '_', not begin with a digit, and "
                           "have at most ",
                           max_bytes, " characters"));
  }

  const std::array<SettingValue, kSettingCount>& values_;
  std::vector<SettingIssue>& issues_;
  DbSettings db_;
};

// What `layers` over `base` resolve to; nullopt when that can't be read, which other checks report.
std::optional<DbSettings> SettingsOf(const BaseConfig& base,
                                     std::span<const json::Value* const> layers) {
  std::array<SettingValue, kSettingCount> values;
  std::vector<SettingIssue> issues;
  if (!ResolveValues(base, layers, /*scope_is_database=*/true, values).ok()) return std::nullopt;
  return ReadDbSettings(values, issues);
}

bool NamesServer(const json::Value* layer) {
  if (layer == nullptr) return false;
  for (const Setting id :
       {Setting::kPostgresqlHost, Setting::kPostgresqlPort, Setting::kPostgresqlConnectionUri,
        Setting::kPostgresqlConnectionAttributes}) {
    if (layer->Find(SettingOf(id).name) != nullptr) return true;
  }
  return false;
}

bool SameServer(const DbSettings& a, const DbSettings& b) {
  return a.host == b.host && a.port == b.port && a.LibpqOptions() == b.LibpqOptions() &&
         a.AllowsClearTextPassword() == b.AllowsClearTextPassword();
}

}  // namespace

void CheckCredentialsBelong(const BaseConfig& base, std::span<const json::Value* const> layers,
                            std::vector<SettingIssue>& issues) {
  for (size_t i = 0; i < layers.size(); ++i) {
    if (!NamesServer(layers[i])) continue;
    const auto with = SettingsOf(base, layers.subspan(i));
    const auto without = SettingsOf(base, layers.subspan(i + 1));
    const auto own = SettingsOf(BaseConfig(), layers.subspan(i, 1));
    if (!with.has_value() || !without.has_value() || !own.has_value()) continue;
    if (SameServer(*with, *without)) continue;
    if (!own->user.empty() && own->user == with->user && own->password == with->password) continue;
    issues.push_back(
        {Setting::kPostgresqlHost,
         "another database server, or another way to it, needs its own postgresql_user and "
         "postgresql_password (\"\" for none), or a postgresql_connection_uri with both: "
         "credentials are sent only to the server that they were given with"});
    return;
  }
}

absl::Status ResolveValues(const BaseConfig& base, std::span<const json::Value* const> layers,
                           bool scope_is_database,
                           std::array<SettingValue, kSettingCount>& values) {
  std::bitset<kSettingCount> done;
  for (const json::Value* layer : layers) {
    if (layer == nullptr) continue;
    for (const json::Member& member : layer->members()) {
      const CoreSetting* setting = FindSetting(member.key);
      if (setting == nullptr) continue;
      if ((setting->scope == SettingScope::kDatabase) != scope_is_database) continue;
      const size_t index = static_cast<size_t>(setting->id);
      if (done[index]) continue;
      // A tenant that does not set its mode must keep the one that its database is in.
      if (setting->id == Setting::kMigrationMode && member.value.is_null()) continue;
      ASSIGN_OR_RETURN(values[index], ReadSetting(*setting, member.value));
      const bool is_null = std::holds_alternative<std::monostate>(values[index]);
      if (is_null && setting->type != SettingType::kString) {
        // Java's primitives keep their default when null is given. Boxed ones become null.
        const bool nullable = setting->id == Setting::kBulkMigrationSleepBetweenRoundsInBatchMs ||
                              setting->id == Setting::kPostgresqlMinimumIdleConnections ||
                              setting->id == Setting::kAdminPort;
        if (!nullable) values[index] = DefaultValue(setting->id, base.test_mode);
      }
      done.set(index);
    }
  }
  for (const CoreSetting& setting : CoreSettings()) {
    if ((setting.scope == SettingScope::kDatabase) != scope_is_database) continue;
    const size_t index = static_cast<size_t>(setting.id);
    if (done[index]) continue;
    const std::optional<SettingValue>& value = base.values[index];
    const bool is_set = value.has_value() && !std::holds_alternative<std::monostate>(*value);
    values[index] = is_set ? *value : DefaultValue(setting.id, base.test_mode);
  }
  return absl::OkStatus();
}

DbSettings ReadDbSettings(const std::array<SettingValue, kSettingCount>& values,
                          std::vector<SettingIssue>& issues) {
  return DbReader(values, issues).Read();
}

}  // namespace gatehouse::config
