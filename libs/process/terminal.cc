#include "libs/process/terminal.h"

#include <unistd.h>

#include "libs/base/strings.h"
#include "libs/process/version.h"

namespace gatehouse::process {
namespace {

std::string DataLine(const config::ProcessConfig& config, const std::string& data_dir) {
  if (config.ephemeral) return "in a PostgreSQL of its own; discarded at the end";
  if (!data_dir.empty()) return StrCat("in a PostgreSQL of its own, in ", data_dir);
  const config::DbSettings& db = config.core->db();
  const bool is_socket = !db.host.empty() && db.host.front() == '/';
  return StrCat("in the PostgreSQL at ", db.host,
                is_socket ? "" : StrCat(":", std::to_string(db.port)), ", database ",
                db.database_name);
}

}  // namespace

bool LogsToTerminal() { return ::isatty(STDERR_FILENO) == 1; }

std::string Greeting(const config::ProcessConfig& config, const std::string& address,
                     const std::string& data_dir) {
  return StrCat(
      "Gatehouse ", kVersion, " serves ", address, "  (try: curl ", address,
      config.core->base_path(), "/hello)\n", "Data is ", DataLine(config, data_dir), "\n",
      "Ctrl-C ends it; `gatehouse config` shows the settings, `gatehouse help` the rest\n");
}

}  // namespace gatehouse::process
