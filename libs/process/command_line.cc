#include "libs/process/command_line.h"

#include <algorithm>
#include <boost/program_options.hpp>
#include <string_view>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "libs/base/strings.h"
#include "libs/process/command_table.h"

namespace gatehouse::process {
namespace {

namespace po = boost::program_options;

constexpr size_t kLineWidth = 90;
constexpr size_t kTextColumn = 24;

po::options_description Known() {
  po::options_description options;
  for (const OptionRow& row : Options()) {
    const std::string name(row.name);
    if (row.argument.empty()) {
      options.add_options()(name.c_str(), "");
    } else {
      options.add_options()(name.c_str(), po::value<std::string>(), "");
    }
  }
  return options;
}

// Words of `text` in lines that begin at kTextColumn, the first after `head`.
void AppendEntry(std::string& out, std::string head, std::string_view text) {
  head.insert(0, 2, ' ');
  if (head.size() + 2 > kTextColumn) {
    out.append(head).append("\n");
    head.clear();
  }
  head.resize(kTextColumn, ' ');
  std::string line = head;
  for (const absl::string_view word :
       absl::StrSplit(absl::string_view(text.data(), text.size()), ' ')) {
    if (line.size() > kTextColumn && line.size() + word.size() + 1 > kLineWidth) {
      out.append(line).append("\n");
      line.assign(kTextColumn, ' ');
    }
    if (line.size() > kTextColumn) line.push_back(' ');
    line.append(word.data(), word.size());
  }
  out.append(line).append("\n");
}

void AppendOption(std::string& out, const OptionRow& option) {
  AppendEntry(out, StrCat("--", option.name, option.argument.empty() ? "" : " ", option.argument),
              option.text);
}

std::string CommandHelp(const std::string& program, const CommandRow& command) {
  std::string text = StrCat("Usage: ", program, " ", command.name);
  if (!command.argument.empty()) text.append(" ").append(command.argument);
  std::string options;
  for (const OptionRow& option : Options()) {
    if (Takes(command.name, option)) AppendOption(options, option);
  }
  text.append(StrCat(" [OPTION]...\n\n", command.summary, "\n"));
  if (!command.details.empty()) text.append(StrCat("\n", command.details, "\n"));
  return text + "\nOptions:\n" + options;
}

absl::Status Check(const CommandLine& line, const po::variables_map& values) {
  const CommandRow* command = FindCommand(line.command);
  if (command == nullptr) {
    return absl::InvalidArgumentError("unknown command '" + line.command + "'");
  }
  for (const OptionRow& option : Options()) {
    if (values.count(std::string(option.name)) > 0 && !Takes(line.command, option)) {
      return absl::InvalidArgumentError(StrCat("--", option.name, " is not for ", line.command));
    }
  }
  // The original's modes, without a meaning for long.
  const bool is_mode =
      line.command == "start" && (line.argument == "dev" || line.argument == "production");
  if (command->argument.empty() && !line.argument.empty() && !is_mode) {
    return absl::InvalidArgumentError(StrCat("unexpected '", line.argument, "'"));
  }
  return absl::OkStatus();
}

}  // namespace

std::string HelpText(const std::string& program, const std::string& command) {
  if (const CommandRow* row = FindCommand(command); row != nullptr) {
    return CommandHelp(program, *row);
  }
  std::string text = StrCat("Usage: ", program, " [COMMAND] [OPTION]...\n\nCommands:\n");
  for (const CommandRow& row : Commands()) {
    AppendEntry(text, StrCat(row.name, row.argument.empty() ? "" : " ", row.argument), row.summary);
  }
  text.append("\nOptions of most commands:\n");
  for (const OptionRow& option : Options()) {
    if (Takes("start", option)) AppendOption(text, option);
  }
  return text + "\n`" + program +
         " help COMMAND` has the rest. Every setting can be given in the configuration file\n"
         "or the environment: docs/configuration.md lists them.\n";
}

absl::StatusOr<CommandLine> ParseCommandLine(const std::vector<std::string>& arguments) {
  po::options_description all = Known();
  all.add_options()("COMMAND", po::value<std::string>())("ARGUMENT", po::value<std::string>());
  po::positional_options_description positional;
  positional.add("COMMAND", 1).add("ARGUMENT", 1);
  po::variables_map values;
  try {
    po::store(po::command_line_parser(arguments).options(all).positional(positional).run(), values);
  } catch (const po::error& e) {
    return absl::InvalidArgumentError(e.what());
  }
  CommandLine line;
  const auto take = [&](const char* option, std::string& text) {
    if (values.count(option)) text = values[option].as<std::string>();
  };
  take("COMMAND", line.command);
  line.command_is_named = values.count("COMMAND") > 0;
  take("ARGUMENT", line.argument);
  if (absl::Status status = Check(line, values); !status.ok()) return status;
  line.help = values.count("help") > 0;
  line.version = values.count("version") > 0 || line.command == "version";
  line.mend = values.count("mend") > 0;
  line.check_config = values.count("check-config") > 0;
  take("out", line.out);
  take("url", line.url);
  take("name", line.name);
  take("app", line.app);
  take("domain", line.domain);
  line.all_apps = values.count("all") > 0;
  take("from", line.from);
  take("tenant", line.tenant);
  take("api-key-file", line.api_key_file);
  take("hash-config", line.hash_config);
  take("hashes", line.hashes);
  line.dry_run = values.count("dry-run") > 0;
  take("hydra-dsn", line.hydra_dsn);
  take("hydra-dsn-file", line.hydra_dsn_file);
  take("hydra-system-secret-file", line.hydra_system_secret_file);
  line.reset_passwords = values.count("reset-passwords") > 0;
  take("with-temp-dir", line.temp_dir);
  take("with-config", line.config_path);
  if (std::string id; values.count("id")) {
    take("id", id);
    if (!absl::SimpleAtoi(id, &line.id) || line.id <= 0) {
      return absl::InvalidArgumentError("--id must be a process id");
    }
  }
  const auto override_with = [&](const char* option, const char* key) {
    if (values.count(option)) line.overrides[key] = values[option].as<std::string>();
  };
  override_with("port", "port");
  override_with("host", "host");
  override_with("data-dir", "gatehouse_data_dir");
  if (values.count("ephemeral")) line.overrides["gatehouse_ephemeral"] = "true";
  if (values.count("test-mode")) line.overrides["gatehouse_test_mode"] = "true";
  return line;
}

}  // namespace gatehouse::process
