#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace gatehouse::process {

// What a program was asked to do.
struct CommandLine {
  // "start", "migrate", "config", "health", "check-users", "issue-certificate" or "version"
  std::string command = "start";
  bool mend = false;  // of check-users
  bool check_config = false;
  bool version = false;
  bool help = false;
  std::string config_path;                       // --with-config; empty: none
  std::string url;                               // --url, of health; empty: the admin port
  std::string out;                               // --out, of issue-certificate
  std::string name;                              // --name, of issue-certificate
  std::map<std::string, std::string> overrides;  // configuration keys set by options
  std::string temp_dir;                          // --with-temp-dir; empty: $TMPDIR, or /tmp
};

// Reads a program's arguments, without its name. InvalidArgument with a text for the user.
absl::StatusOr<CommandLine> ParseCommandLine(const std::vector<std::string>& arguments);

// What --help prints.
std::string HelpText(const std::string& program);

}  // namespace gatehouse::process
