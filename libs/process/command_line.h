#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace gatehouse::process {

// What a program was asked to do.
struct CommandLine {
  std::string command = "start";  // one of command_table.h
  bool command_is_named = false;  // else that is the default
  std::string argument;           // of `completion`, `help`, `import` and `export`
  bool mend = false;              // of check-users
  bool check_config = false;
  bool version = false;  // --version, or the command
  bool help = false;     // --help
  std::string config_path;                       // --with-config; empty: none
  std::string url;                               // --url, of health and import; empty: the default
  std::string out;                               // --out, of issue-certificate
  std::string name;                              // --name, of issue-certificate
  std::string app;                               // --app; empty: public
  std::string domain;                            // --domain; empty: the default one
  bool all_apps = false;                         // --all, of export
  // Of import.
  std::string from, tenant, api_key_file, hash_config, hashes;
  bool dry_run = false;  // also of migrate
  bool reset_passwords = false;
  std::string hydra_dsn, hydra_dsn_file, hydra_system_secret_file;  // of migrate
  int id = 0;                                    // --id, of stop; 0: all
  std::map<std::string, std::string> overrides;  // configuration keys set by options
  std::string temp_dir;                          // --with-temp-dir; empty: $TMPDIR, or /tmp
};

// Reads a program's arguments, without its name. InvalidArgument with a text for the user.
absl::StatusOr<CommandLine> ParseCommandLine(const std::vector<std::string>& arguments);

// What --help prints; with a command's name, the help of that command.
std::string HelpText(const std::string& program, const std::string& command = "");

}  // namespace gatehouse::process
