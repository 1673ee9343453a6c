#include "libs/config/process_config.h"

#include <unistd.h>

#include <filesystem>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "libs/config/config_sources.h"

extern char** environ;

namespace gatehouse::config {
namespace {

constexpr size_t kMinInternalSecretBytes = 32;
// sockaddr_un holds 108 bytes with the final zero.
constexpr size_t kMaxSocketPathBytes = 107;

absl::string_view View(std::string_view text) { return {text.data(), text.size()}; }

bool IsWildcardHost(std::string_view host) {
  return host == "0.0.0.0" || host == "::" || host == "[::]";
}

// "host:port", "[::1]:port" or "unix:/path".
bool IsServiceAddress(absl::string_view address) {
  if (absl::StartsWith(address, "unix:")) {
    address.remove_prefix(5);
    return address.size() > 1 && address.front() == '/' && address.size() <= kMaxSocketPathBytes;
  }
  const size_t colon = address.rfind(':');
  int port = 0;
  if (colon == absl::string_view::npos || colon == 0) return false;
  if (!absl::SimpleAtoi(address.substr(colon + 1), &port) || port < 1 || port > 65535) return false;
  const absl::string_view host = address.substr(0, colon);
  if (host.front() == '[') return host.back() == ']' && host.size() > 2;
  return host.find_first_of(": /") == absl::string_view::npos;
}

class Checker {
 public:
  explicit Checker(ConfigReport& report) : report_(report), config_(report.config) {}

  void Run(const ConfigSources& sources) {
    texts_ = ReadSources(sources, report_.problems, config_.warnings);
    std::error_code unreadable;  // ReadSources reports that problem
    config_.yaml_path = std::filesystem::canonical(sources.yaml_path, unreadable).string();
    config_.test_mode = Bool("gatehouse_test_mode");
    ReadCore();
    ReadProcess();
    ReadServices();
    CheckSecrets();
    if (config_.test_mode) CheckTestMode();
  }

 private:
  void Problem(std::string key, std::string text) {
    report_.problems.push_back({std::move(key), std::move(text)});
  }

  void ReadCore() {
    BaseConfig& base = config_.base;
    base.test_mode = config_.test_mode;
    // Without a file there is no layout that could have a version.
    base.Set(Setting::kCoreConfigVersion, int64_t{0});
    for (const auto& [name, text] : texts_.core) {
      const CoreSetting& setting = *FindSetting(name);
      // In config.yaml the paths of logs may be the word null.
      if (setting.type == SettingType::kString && text == "null") continue;
      auto value = ReadSettingText(setting, text);
      if (!value.ok()) {
        Problem(name, std::string(value.status().message()));
        continue;
      }
      base.Set(setting.id, *std::move(value));
    }
    for (SettingIssue& issue : CoreConfig::FindIssues(base)) {
      Problem(std::string(SettingOf(issue.id).name), std::move(issue.text));
    }
    auto core = CoreConfig::Resolve(base);
    if (!core.ok()) return;  // FindIssues has reported why
    config_.core = *std::move(core);
    config_.host = TextOf(Setting::kHost);
    const int64_t port = std::get<int64_t>(config_.core->value(Setting::kPort));
    if (port < 1 || port > 65535) Problem("port", "'port' must be between 1 and 65535");
    config_.port = static_cast<int>(port);
    config_.log_level = ReadLogLevel(TextOf(Setting::kLogLevel));
    const bool host_is_set = base.values[static_cast<size_t>(Setting::kPostgresqlHost)].has_value();
    if (host_is_set && !config_.core->db().configured) {
      Problem("postgresql_host",
              "is set without postgresql_user, postgresql_password or postgresql_connection_uri, "
              "so it would not be used");
    }
  }

  std::string TextOf(Setting id) const {
    const std::string* text = std::get_if<std::string>(&config_.core->value(id));
    return text == nullptr ? std::string() : *text;
  }

  static LogLevel ReadLogLevel(absl::string_view text) {
    if (absl::EqualsIgnoreCase(text, "DEBUG")) return LogLevel::kDebug;
    if (absl::EqualsIgnoreCase(text, "WARN")) return LogLevel::kWarn;
    if (absl::EqualsIgnoreCase(text, "ERROR")) return LogLevel::kError;
    if (absl::EqualsIgnoreCase(text, "NONE")) return LogLevel::kNone;
    return LogLevel::kInfo;
  }

  void ReadProcess() {
    config_.data_dir = Text("gatehouse_data_dir");
    config_.ephemeral = Bool("gatehouse_ephemeral");
    config_.embedded_postgres_bin = Text("gatehouse_embedded_postgres_bin");
    config_.admin_host = Text("gatehouse_admin_host");
    config_.admin_port = static_cast<int>(Number("gatehouse_admin_port"));
    const std::string format = Text("gatehouse_log_format");
    if (format == "text") {
      config_.log_format = LogFormat::kText;
    } else if (format == "json") {
      config_.log_format = LogFormat::kJson;
    } else if (format != "auto") {
      Problem("gatehouse_log_format", "must be json, text or auto");
    }
    config_.http_threads = static_cast<int>(Number("gatehouse_http_threads"));
    config_.max_connections = static_cast<int>(Number("gatehouse_max_connections"));
    config_.max_connections_per_peer =
        static_cast<int>(Number("gatehouse_max_connections_per_peer"));
    if (auto proxies = Networks::Parse(Text("gatehouse_trusted_proxies")); proxies.ok()) {
      config_.trusted_proxies = *std::move(proxies);
    } else {
      Problem("gatehouse_trusted_proxies", std::string(proxies.status().message()));
    }
    config_.max_body_bytes = Number("gatehouse_max_body_bytes");
    config_.request_timeout_ms = Number("gatehouse_request_timeout_ms");
    config_.drain_timeout_ms = Number("gatehouse_drain_timeout_ms");
    config_.shutdown_delay_ms = Number("gatehouse_shutdown_delay_ms");
    config_.bulk_migration_cron_enabled =
        absl::EqualsIgnoreCase(Text("bulk_migration_cron_enabled"), "true");
    ReadSamlLeniencies();
    ReadSamlPublicUrl();
    config_.internal_secret = Text("gatehouse_internal_secret");
    config_.tls_cert_file = Text("gatehouse_tls_cert_file");
    config_.tls_key_file = Text("gatehouse_tls_key_file");
    config_.tls_ca_file = Text("gatehouse_tls_ca_file");
    if (config_.admin_port != 0 && config_.admin_port == config_.port) {
      Problem("gatehouse_admin_port", "must differ from port");
    }
    const SettingValue* const second =
        config_.core == nullptr ? nullptr : &config_.core->value(Setting::kAdminPort);
    if (second != nullptr && config_.admin_port != 0 &&
        *second == SettingValue(int64_t{config_.admin_port})) {
      Problem("gatehouse_admin_port", "must differ from admin_port");
    }
  }

  void ReadSamlLeniencies() {
    for (const absl::string_view name :
         absl::StrSplit(Text("gatehouse_saml_leniencies"), ',', absl::SkipWhitespace())) {
      const std::string trimmed(absl::StripAsciiWhitespace(name));
      if (trimmed != "ANY_REQUEST" && trimmed != "ANY_DESTINATION" &&
          trimmed != "WEAK_ALGORITHMS" && trimmed != "CLOCK_DRIFT") {
        Problem("gatehouse_saml_leniencies",
                "must be of ANY_REQUEST, ANY_DESTINATION, WEAK_ALGORITHMS and CLOCK_DRIFT");
      }
      config_.saml_leniencies.push_back(trimmed);
    }
  }

  void ReadSamlPublicUrl() {
    config_.saml_public_url = Text("gatehouse_saml_public_url");
    std::string& url = config_.saml_public_url;
    if (url.ends_with('/')) url.pop_back();
    const bool is_url = url.starts_with("https://") || url.starts_with("http://");
    if (!url.empty() && (!is_url || url.find_first_of("?# ") != std::string::npos)) {
      Problem("gatehouse_saml_public_url", "must be a URL by http or https without a query");
    }
  }

  void ReadServices() {
    for (std::string_view name : ServiceNames()) {
      const absl::string_view service = View(name);
      ServiceSettings& settings = config_.services[std::string(name)];
      const std::string address_key = absl::StrCat("gatehouse_", service, "_address");
      settings.address = Text(address_key);
      if (!settings.address.empty() && !IsServiceAddress(settings.address)) {
        Problem(address_key, "must be host:port or unix:/path");
      }
      const std::string user_key = absl::StrCat("gatehouse_", service, "_database_user");
      settings.database_user = Text(user_key);
      settings.database_password = Text(absl::StrCat("gatehouse_", service, "_database_password"));
      if (settings.database_user.empty() && !settings.database_password.empty()) {
        Problem(user_key, "must be set with the password");
      }
      settings.pool_size =
          static_cast<int>(Number(absl::StrCat("gatehouse_pool_size_", service)));
    }
  }

  void CheckSecrets() {
    if (!config_.internal_secret.empty() &&
        config_.internal_secret.size() < kMinInternalSecretBytes) {
      Problem("gatehouse_internal_secret", "must have at least 32 characters");
    }
    const bool any = !config_.tls_cert_file.empty() || !config_.tls_key_file.empty() ||
                     !config_.tls_ca_file.empty();
    for (const auto& [key, path] : {std::pair("gatehouse_tls_cert_file", &config_.tls_cert_file),
                                    std::pair("gatehouse_tls_key_file", &config_.tls_key_file),
                                    std::pair("gatehouse_tls_ca_file", &config_.tls_ca_file)}) {
      if (any && path->empty()) {
        Problem(key, "must be set together with the other gatehouse_tls_ files");
      } else if (any && access(path->c_str(), R_OK) != 0) {
        Problem(key, absl::StrCat("cannot read ", *path));
      }
    }
    // Without a secret or certificates, anyone who reaches a service's port may call it.
    if (any || !config_.internal_secret.empty()) return;
    for (const auto& [name, settings] : config_.services) {
      const std::string& address = settings.address;
      if (name == "gateway" || address.empty() || absl::StartsWith(address, "unix:")) continue;
      if (IsLocalHost(address.substr(0, address.rfind(':')))) continue;
      Problem(absl::StrCat("gatehouse_", name, "_address"),
              "is reachable from other machines: set gatehouse_internal_secret or the "
              "gatehouse_tls_ files");
    }
  }

  void CheckTestMode() {
    if (config_.core == nullptr) return;
    auto refuse = [this](std::string_view sign) {
      Problem("gatehouse_test_mode",
              absl::StrCat("test mode lifts limits that protect sessions and is refused because ",
                           View(sign), " looks like production"));
    };
    const DbSettings& db = config_.core->db();
    if (db.configured && !IsLocalHost(db.host)) {
      refuse("a PostgreSQL that is not on this machine (neither loopback nor a Unix socket)");
    }
    if (!IsLocalHost(config_.host) && !IsWildcardHost(config_.host)) {
      refuse("a host that is neither a loopback nor a wildcard address");
    }
    if (config_.core->saas_secret() != nullptr) refuse("supertokens_saas_secret");
    if (config_.core->saas_load_only_cud() != nullptr) refuse("supertokens_saas_load_only_cud");
    if (db.migration_mode != MigrationMode::kMigrated) refuse("a migration_mode but MIGRATED");
  }

  std::string Text(const std::string& key) const {
    auto it = texts_.process.find(key);
    if (it != texts_.process.end()) return it->second;
    const ProcessSetting* row = FindProcessSetting(key);
    return std::string(row->default_text);
  }

  bool Bool(const std::string& key) {
    const std::string text = Text(key);
    if (absl::EqualsIgnoreCase(text, "true")) return true;
    if (!absl::EqualsIgnoreCase(text, "false")) Problem(key, "must be true or false");
    return false;
  }

  int64_t Number(const std::string& key) {
    const ProcessSetting* row = FindProcessSetting(key);
    int64_t number = 0;
    if (!absl::SimpleAtoi(Text(key), &number) || number < row->min || number > row->max) {
      Problem(key, absl::StrCat("must be a whole number between ", static_cast<int64_t>(row->min),
                                " and ", static_cast<int64_t>(row->max)));
      (void)absl::SimpleAtoi(View(row->default_text), &number);  // the default is a number
    }
    return number;
  }

  ConfigReport& report_;
  ProcessConfig& config_;
  SourceTexts texts_;
};

}  // namespace

const ServiceSettings& ProcessConfig::service(std::string_view name) const {
  static const auto* const kNone = new ServiceSettings;
  auto it = services.find(name);
  return it == services.end() ? *kNone : it->second;
}

bool ProcessConfig::split() const {
  for (const auto& [name, settings] : services) {
    if (!settings.address.empty()) return true;
  }
  return false;
}

std::map<std::string, std::string> CurrentEnvironment() {
  std::map<std::string, std::string> variables;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const size_t equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    variables.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return variables;
}

ConfigReport CheckProcessConfig(const ConfigSources& sources) {
  ConfigReport report;
  Checker(report).Run(sources);
  return report;
}

absl::StatusOr<ProcessConfig> LoadProcessConfig(const ConfigSources& sources) {
  ConfigReport report = CheckProcessConfig(sources);
  if (report.problems.empty()) return std::move(report.config);
  return absl::InvalidArgumentError(
      absl::StrJoin(report.problems, "\n", [](std::string* out, const ConfigProblem& problem) {
        absl::StrAppend(out, problem.key, ": ", problem.text);
      }));
}

}  // namespace gatehouse::config
