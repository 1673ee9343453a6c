#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "libs/config/process_config.h"

namespace gatehouse::config {

// The text that each key has after all sources: later sources win, and <key>_file is read.
struct SourceTexts {
  std::map<std::string, std::string> core;     // by CoreSetting::name
  std::map<std::string, std::string> process;  // by ProcessSetting::name, <service> filled in
  // By either name, where the text came from, for people: "command line", "file /run/secrets/db",
  // "environment POSTGRESQL_HOST", or the path of config.yaml.
  std::map<std::string, std::string> origins;
};

// Reads file, environment and overrides. Adds errors to `problems` and oddities to `warnings`.
SourceTexts ReadSources(const ConfigSources& sources, std::vector<ConfigProblem>& problems,
                        std::vector<std::string>& warnings);

// The row for `key`, where `key` may name a service; nullptr when there is none.
const ProcessSetting* FindProcessSetting(std::string_view key);
// `row`'s name, once, or once for each service.
std::vector<std::string> KeysOf(const ProcessSetting& row);

}  // namespace gatehouse::config
