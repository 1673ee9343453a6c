#include "libs/config/reload.h"

#include <algorithm>
#include <iterator>
#include <map>

#include "libs/base/status.h"

namespace gatehouse::config {
namespace {

constexpr Setting kCoreKeys[] = {Setting::kLogLevel, Setting::kApiKeys, Setting::kIpAllowRegex,
                                 Setting::kIpDenyRegex};
constexpr std::string_view kProcessKeys[] = {"gatehouse_max_connections",
                                             "gatehouse_max_connections_per_peer"};

using Texts = std::map<std::string, std::string>;

// Takes the differences of reloadable keys over into `texts`, and names all differences.
void Compare(const Texts& fresh, Texts& texts, Reload& reload) {
  Texts all = fresh;
  all.insert(texts.begin(), texts.end());  // for the keys
  for (const auto& [key, ignored] : all) {
    const auto now = fresh.find(key);
    const auto before = texts.find(key);
    const bool same = now != fresh.end() && before != texts.end() && now->second == before->second;
    if (same) continue;
    if (!IsReloadable(key)) {
      reload.need_a_restart.push_back(key);
      continue;
    }
    reload.changed.push_back(key);
    if (now == fresh.end()) {
      texts.erase(key);
    } else {
      texts[key] = now->second;
    }
  }
}

}  // namespace

bool IsReloadable(std::string_view key) {
  const CoreSetting* const setting = FindSetting(key);
  if (setting != nullptr) {
    return std::find(std::begin(kCoreKeys), std::end(kCoreKeys), setting->id) !=
           std::end(kCoreKeys);
  }
  return std::find(std::begin(kProcessKeys), std::end(kProcessKeys), key) != std::end(kProcessKeys);
}

absl::StatusOr<Reload> ReadAgain(const ConfigSources& sources, const ProcessConfig& running,
                                 const SourceTexts& texts) {
  ASSIGN_OR_RETURN(const ProcessConfig fresh, LoadProcessConfig(sources));
  std::vector<ConfigProblem> problems;
  std::vector<std::string> warnings;
  const SourceTexts fresh_texts = ReadSources(sources, problems, warnings);
  Reload reload;
  reload.config = running;
  reload.texts = texts;
  Compare(fresh_texts.core, reload.texts.core, reload);
  Compare(fresh_texts.process, reload.texts.process, reload);
  for (const Setting id : kCoreKeys) {
    reload.config.base.values[static_cast<size_t>(id)] = fresh.base.values[static_cast<size_t>(id)];
  }
  // Together with what stays, the new values may not be valid: supertokens_saas_secret needs keys.
  const std::vector<SettingIssue> issues = CoreConfig::FindIssues(reload.config.base);
  if (!issues.empty()) return absl::InvalidArgumentError(issues.front().text);
  ASSIGN_OR_RETURN(reload.config.core, CoreConfig::Resolve(reload.config.base));
  reload.config.log_level = fresh.log_level;
  reload.config.max_connections = fresh.max_connections;
  reload.config.max_connections_per_peer = fresh.max_connections_per_peer;
  return reload;
}

}  // namespace gatehouse::config
