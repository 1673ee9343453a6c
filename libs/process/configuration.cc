#include "libs/process/configuration.h"

#include <filesystem>
#include <iostream>

#include "absl/strings/str_replace.h"
#include "libs/base/status.h"
#include "libs/base/steady_time.h"
#include "libs/base/strings.h"
#include "libs/config/config_sources.h"
#include "libs/config/core_settings.h"
#include "libs/db/database.h"
#include "libs/tenancy/pg_tenant_databases.h"

namespace gatehouse::process {
namespace {

constexpr absl::Duration kCheckTimeout = absl::Seconds(10);
constexpr std::string_view kOwnFile = "/etc/gatehouse/config.yaml";
constexpr std::string_view kOriginalsFile = "/usr/lib/supertokens/config.yaml";
constexpr std::string_view kMask = "********";

bool IsThere(std::string_view path) {
  std::error_code unreadable;
  return std::filesystem::exists(path, unreadable);
}

// What is wrong with the settings that are stored in the database, if there is one yet.
std::vector<std::string> CheckStoredSettings(const Program& program,
                                             const config::ProcessConfig& config) {
  if (!program.check_tenants || !config.core->db().configured) return {};
  const auto check = [&]() -> absl::StatusOr<std::vector<std::string>> {
    ASSIGN_OR_RETURN(db::DatabaseOptions options,
                     tenancy::MakeDatabaseOptions(config.core->db(), program.name));
    options.pool_size = 1;
    ASSIGN_OR_RETURN(auto database, db::Database::Create(std::move(options)));
    return program.check_tenants(*database, config, SteadyNow() + kCheckTimeout);
  };
  auto problems = check();
  if (problems.ok()) return *std::move(problems);
  std::cout << "warning: the database does not answer or has no tables yet: tenants' settings "
               "were not checked\n";
  return {};
}

std::string Quoted(std::string_view text) {
  return StrCat("\"",
                absl::StrReplaceAll(absl::string_view(text.data(), text.size()),
                                    {{"\\", "\\\\"}, {"\"", "\\\""}, {"\n", "\\n"}}),
                "\"");
}

class Printer {
 public:
  explicit Printer(const config::SourceTexts& texts) : texts_(texts) {}

  // A line for `key`: its text if it is set, or else the default as a comment, since setting a key
  // to its default would change nothing but state more than the operator did.
  void Print(const std::map<std::string, std::string>& texts, const std::string& key, bool secret,
             bool is_text, std::string_view default_text) {
    const auto it = texts.find(key);
    if (it == texts.end()) {
      std::cout << "# " << key << ": " << default_text << "\n";
      return;
    }
    const std::string value = secret ? Quoted(kMask) : is_text ? Quoted(it->second) : it->second;
    std::cout << key << ": " << value << "  # " << texts_.origins.at(key) << "\n";
  }

 private:
  const config::SourceTexts& texts_;
};

}  // namespace

config::ConfigSources SourcesOf(const CommandLine& line) {
  config::ConfigSources sources;
  sources.environment = config::CurrentEnvironment();
  sources.overrides = line.overrides;
  sources.yaml_path = line.config_path;
  if (!sources.yaml_path.empty()) return sources;
  if (IsThere(kOwnFile)) {
    sources.yaml_path = kOwnFile;
  } else if (IsThere(kOriginalsFile)) {
    sources.yaml_path = kOriginalsFile;
    sources.yaml_wins = true;
  }
  return sources;
}

int CheckConfig(const Program& program, const CommandLine& line) {
  const config::ConfigReport report = config::CheckProcessConfig(SourcesOf(line));
  for (const std::string& warning : report.config.warnings) {
    std::cout << "warning: " << warning << "\n";
  }
  for (const config::ConfigProblem& problem : report.problems) {
    std::cout << problem.key << ": " << problem.text << "\n";
  }
  if (!report.problems.empty()) return 1;
  const std::vector<std::string> stored = CheckStoredSettings(program, report.config);
  for (const std::string& problem : stored) std::cout << problem << "\n";
  if (!stored.empty()) return 1;
  std::cout << "The configuration is valid.\n";
  return 0;
}

int PrintConfig(const CommandLine& line) {
  const config::ConfigSources sources = SourcesOf(line);
  std::vector<config::ConfigProblem> problems;
  std::vector<std::string> warnings;
  const config::SourceTexts texts = config::ReadSources(sources, problems, warnings);
  Printer printer(texts);
  for (const config::CoreSetting& setting : config::CoreSettings()) {
    // A connection URI may hold a password, and is a secret by its flag.
    printer.Print(texts.core, std::string(setting.name), setting.Has(config::kSecret),
                  setting.type == config::SettingType::kString, setting.default_text);
  }
  for (const config::ProcessSetting& row : config::ProcessSettings()) {
    for (const std::string& key : config::KeysOf(row)) {
      printer.Print(texts.process, key, row.secret, row.type == config::SettingType::kString,
                    row.default_text);
    }
  }
  for (const std::string& warning : warnings) std::cerr << "warning: " << warning << "\n";
  const config::ConfigReport report = config::CheckProcessConfig(sources);
  for (const config::ConfigProblem& problem : report.problems) {
    std::cerr << problem.key << ": " << problem.text << "\n";
  }
  return report.problems.empty() ? 0 : 1;
}

}  // namespace gatehouse::process
