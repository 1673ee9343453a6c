#include "libs/process/import_users.h"

#include <string>

#include "libs/base/status.h"
#include "libs/porting/import.h"
#include "libs/process/secret_argument.h"

namespace gatehouse::process {
namespace {

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
  ASSIGN_OR_RETURN(options.api_key,
                   SecretArgument(line.api_key_file, "GATEHOUSE_API_KEY", "API key"));
  options.dry_run = line.dry_run;
  Override(options.convert.tenant, line.tenant);
  options.convert.hash_config_path = line.hash_config;
  options.convert.hashes_path = line.hashes;
  options.convert.reset_passwords = line.reset_passwords;
  return porting::RunImport(options);
}

}  // namespace gatehouse::process
