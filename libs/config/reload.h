#pragma once

// Which keys may change while a process runs.

#include <string>
#include <vector>

#include "libs/config/config_sources.h"
#include "libs/config/process_config.h"

namespace gatehouse::config {

// log_level, api_keys, ip_allow_regex, ip_deny_regex, gatehouse_max_connections and
// gatehouse_max_connections_per_peer. Everything else is read once, at the start.
bool IsReloadable(std::string_view key);

// What a running process takes over from a configuration that was read again.
struct Reload {
  ProcessConfig config;                     // the running one, with the new reloadable values
  SourceTexts texts;                        // likewise
  std::vector<std::string> changed;         // keys that take effect now
  std::vector<std::string> need_a_restart;  // keys that differ from those of the start
};

// Reads `sources` again for the process that runs with `running`, which was read from `texts`. The
// problems as a whole, as LoadProcessConfig reports them, if the result is not valid: then nothing
// is taken over.
absl::StatusOr<Reload> ReadAgain(const ConfigSources& sources, const ProcessConfig& running,
                                 const SourceTexts& texts);

}  // namespace gatehouse::config
