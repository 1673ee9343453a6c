#include "libs/process/import_users.h"

#include <cstdlib>
#include <fstream>
#include <string>

#include "absl/strings/ascii.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/porting/import.h"

namespace gatehouse::process {
namespace {

// Not from the command line, which every user of the machine sees.
absl::StatusOr<std::string> ApiKey(const CommandLine& line) {
  if (line.api_key_file.empty()) {
    const char* const key = std::getenv("GATEHOUSE_API_KEY");
    return std::string(key == nullptr ? "" : key);
  }
  std::ifstream file(line.api_key_file);
  std::string key;
  if (!file || !std::getline(file, key) || absl::StripAsciiWhitespace(key).empty()) {
    return absl::InvalidArgumentError(StrCat(line.api_key_file, " has no API key"));
  }
  return std::string(absl::StripAsciiWhitespace(key));
}

void Override(std::string& option, const std::string& given) {
  if (!given.empty()) option = given;
}

}  // namespace

absl::StatusOr<int> ImportUsers(const CommandLine& line) {
  porting::ImportOptions options;
  options.path = line.argument;
  Override(options.from, line.from);
  Override(options.url, line.url);
  options.app = line.app;
  options.domain = line.domain;
  ASSIGN_OR_RETURN(options.api_key, ApiKey(line));
  options.dry_run = line.dry_run;
  Override(options.convert.tenant, line.tenant);
  options.convert.hash_config_path = line.hash_config;
  options.convert.hashes_path = line.hashes;
  options.convert.reset_passwords = line.reset_passwords;
  return porting::RunImport(options);
}

}  // namespace gatehouse::process
