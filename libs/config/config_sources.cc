#include "libs/config/config_sources.h"

#include <yaml-cpp/yaml.h>

#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "libs/base/read_file.h"

namespace gatehouse::config {
namespace {

constexpr absl::string_view kServicePlace = "<service>";
constexpr size_t kMaxFileBytes = 1 << 20;
constexpr size_t kMaxSecretBytes = 64 * 1024;

absl::string_view View(std::string_view text) { return {text.data(), text.size()}; }

// Environment files often keep the quotes that a shell would have removed.
std::string WithoutQuotes(const std::string& text) {
  if (text.size() < 2 || text.front() != '"' || text.back() != '"') return text;
  std::string out;
  for (size_t i = 1; i + 1 < text.size(); ++i) {
    if (text[i] != '\\' || i + 2 >= text.size()) {
      out.push_back(text[i]);
      continue;
    }
    switch (const char c = text[++i]) {
      case 'n':
        out.push_back('\n');
        break;
      case 't':
        out.push_back('\t');
        break;
      case 'r':
        out.push_back('\r');
        break;
      case '"':
      case '\'':
      case '\\':
        out.push_back(c);
        break;
      default:
        out.push_back('\\');
        out.push_back(c);
    }
  }
  return out;
}

// What Docker's links and Kubernetes put into the environment for a service by that name, such as
// POSTGRESQL_SERVICE_HOST and POSTGRESQL_PORT_5432_TCP_ADDR.
bool IsAddressOfService(absl::string_view variable) {
  return absl::StrContains(variable, "_SERVICE_") || absl::StrContains(variable, "_TCP") ||
         absl::StrContains(variable, "_ENV_") || absl::EndsWith(variable, "_NAME") ||
         absl::EndsWith(variable, "_PORT");
}

class Reader {
 public:
  Reader(std::vector<ConfigProblem>& problems, std::vector<std::string>& warnings)
      : problems_(problems), warnings_(warnings) {}

  // `wins`: over the environment, which has been read.
  void ReadYaml(const std::string& path, bool wins) {
    origin_ = path;
    over_environment_ = wins;
    const std::optional<std::string> text = ReadFile(path, kMaxFileBytes);
    if (!text.has_value()) {
      problems_.push_back({"config.yaml", absl::StrCat("cannot read ", path)});
      return;
    }
    try {
      const YAML::Node root = YAML::Load(*text);
      if (!root.IsNull() && !root.IsMap()) {
        problems_.push_back({"config.yaml", "is not a list of `key: value` lines"});
        return;
      }
      ReadMap(root);
    } catch (const YAML::Exception& e) {
      problems_.push_back({"config.yaml", absl::StrCat("is no YAML: line ", e.mark.line + 1)});
    }
    if (!texts_.core.contains("core_config_version")) {
      problems_.push_back({"core_config_version",
                           "'core_config_version' is not set in the config.yaml file. Please "
                           "redownload and install SuperTokens"});
    }
  }

  void ReadEnvironment(const std::map<std::string, std::string>& environment) {
    // These are of commands, not settings.
    std::set<std::string> known = {"GATEHOUSE_API_KEY", "GATEHOUSE_HYDRA_DSN"};
    for (const CoreSetting& setting : CoreSettings()) {
      if (setting.env.empty()) continue;
      const std::string variable(setting.env);
      ReadVariable(environment, variable, std::string(setting.name), setting.Has(kSecret),
                   texts_.core);
      known.insert(variable);
      if (setting.Has(kSecret)) known.insert(variable + "_FILE");
    }
    for (const ProcessSetting& row : ProcessSettings()) {
      for (const std::string& key : KeysOf(row)) {
        const std::string variable = absl::AsciiStrToUpper(key);
        ReadVariable(environment, variable, key, row.secret, texts_.process);
        known.insert(variable);
        if (row.secret) known.insert(variable + "_FILE");
      }
    }
    for (const auto& [name, value] : environment) {
      const bool is_for_us = absl::StartsWith(name, "GATEHOUSE_") ||
                             absl::StartsWith(name, "SUPERTOKENS_") ||
                             absl::StartsWith(name, "POSTGRESQL_");
      if (is_for_us && !known.contains(name) && !IsAddressOfService(name)) {
        warnings_.push_back(absl::StrCat(name, ": unknown environment variable"));
      }
    }
  }

  void ReadOverrides(const std::map<std::string, std::string>& overrides) {
    origin_ = "command line";
    over_environment_ = true;
    for (const auto& [key, text] : overrides) {
      if (!Take(key, text)) problems_.push_back({key, "unknown key"});
    }
  }

  // Reads <key>_file if a source gave one.
  SourceTexts Finish() {
    for (const auto& [key, path] : file_keys_) {
      const bool is_core = FindSetting(key) != nullptr;
      std::map<std::string, std::string>& texts = is_core ? texts_.core : texts_.process;
      if (texts.contains(key)) {
        problems_.push_back({key, absl::StrCat("is set, and ", key, "_file too: set one")});
        continue;
      }
      const std::optional<std::string> text = ReadFile(path, kMaxSecretBytes);
      if (!text.has_value()) {
        problems_.push_back({absl::StrCat(key, "_file"), absl::StrCat("cannot read ", path)});
        continue;
      }
      texts[key] = std::string(absl::StripTrailingAsciiWhitespace(*text));
      texts_.origins[key] = absl::StrCat("file ", path);
    }
    return std::move(texts_);
  }

 private:
  void ReadMap(const YAML::Node& root) {
    for (const auto& entry : root) {
      const std::string key = entry.first.IsScalar() ? entry.first.Scalar() : std::string();
      if (entry.second.IsNull()) {
        // Known, and left to its default.
        if (key == "core_config_version") continue;
        if (!IsKnown(key)) Unknown(key);
        continue;
      }
      if (!entry.second.IsScalar()) {
        problems_.push_back({key, "must be a single value"});
        continue;
      }
      if (!Take(key, entry.second.Scalar())) Unknown(key);
    }
  }

  void Unknown(const std::string& key) {
    warnings_.push_back(absl::StrCat(key, ": unknown key in config.yaml, ignored"));
  }

  static bool IsKnown(std::string_view key) {
    return FindSetting(key) != nullptr || FindProcessSetting(key) != nullptr;
  }

  // Whether `key` is the name of a secret followed by _file.
  static std::optional<std::string> SecretOfFileKey(std::string_view key) {
    constexpr std::string_view kSuffix = "_file";
    if (key.size() <= kSuffix.size() || !key.ends_with(kSuffix)) return std::nullopt;
    const std::string_view secret = key.substr(0, key.size() - kSuffix.size());
    const CoreSetting* core = FindSetting(secret);
    const ProcessSetting* process = FindProcessSetting(secret);
    if ((core != nullptr && core->Has(kSecret)) || (process != nullptr && process->secret)) {
      return std::string(secret);
    }
    return std::nullopt;
  }

  bool Take(const std::string& key, const std::string& text) {
    if (const CoreSetting* setting = FindSetting(key); setting != nullptr) {
      Keep(std::string(setting->name), text, texts_.core);
      return true;
    }
    if (FindProcessSetting(key) != nullptr) {
      Keep(key, text, texts_.process);
      return true;
    }
    if (std::optional<std::string> secret = SecretOfFileKey(key); secret.has_value()) {
      if (over_environment_) Forget(*secret);
      file_keys_[*secret] = text;
      return true;
    }
    return false;
  }

  void Keep(const std::string& key, const std::string& text,
            std::map<std::string, std::string>& texts) {
    if (over_environment_) file_keys_.erase(key);
    texts[key] = text;
    texts_.origins[key] = origin_;
  }

  void Forget(const std::string& key) {
    texts_.core.erase(key);
    texts_.process.erase(key);
  }

  void ReadVariable(const std::map<std::string, std::string>& environment,
                    const std::string& variable, const std::string& key, bool secret,
                    std::map<std::string, std::string>& texts) {
    auto it = environment.find(variable);
    const bool set = it != environment.end() && !it->second.empty();
    if (secret) {
      auto file = environment.find(variable + "_FILE");
      if (file != environment.end() && !file->second.empty()) {
        file_keys_[key] = WithoutQuotes(file->second);
        // The environment wins over config.yaml, in this form too.
        if (!set) texts.erase(key);
      } else if (set) {
        file_keys_.erase(key);
      }
    }
    if (set) {
      texts[key] = WithoutQuotes(it->second);
      texts_.origins[key] = absl::StrCat("environment ", variable);
    }
  }

  std::vector<ConfigProblem>& problems_;
  std::vector<std::string>& warnings_;
  SourceTexts texts_;
  std::map<std::string, std::string> file_keys_;  // secret's key to path
  std::string origin_;             // of what Take is given
  bool over_environment_ = false;  // what Take is given wins over what was read before
};

}  // namespace

std::vector<std::string> KeysOf(const ProcessSetting& row) {
  const absl::string_view name = View(row.name);
  if (!absl::StrContains(name, kServicePlace)) return {std::string(name)};
  std::vector<std::string> keys;
  for (std::string_view service : ServiceNames()) {
    keys.push_back(absl::StrReplaceAll(name, {{kServicePlace, View(service)}}));
  }
  return keys;
}

const ProcessSetting* FindProcessSetting(std::string_view key) {
  static const auto* const rows = [] {
    auto* map = new std::map<std::string, const ProcessSetting*, std::less<>>;
    for (const ProcessSetting& row : ProcessSettings()) {
      for (std::string& name : KeysOf(row)) map->emplace(std::move(name), &row);
    }
    return map;
  }();
  auto it = rows->find(key);
  return it == rows->end() ? nullptr : it->second;
}

SourceTexts ReadSources(const ConfigSources& sources, std::vector<ConfigProblem>& problems,
                        std::vector<std::string>& warnings) {
  Reader reader(problems, warnings);
  if (!sources.yaml_path.empty() && !sources.yaml_wins) {
    reader.ReadYaml(sources.yaml_path, false);
  }
  reader.ReadEnvironment(sources.environment);
  if (!sources.yaml_path.empty() && sources.yaml_wins) {
    reader.ReadYaml(sources.yaml_path, true);
  }
  reader.ReadOverrides(sources.overrides);
  return reader.Finish();
}

}  // namespace gatehouse::config
