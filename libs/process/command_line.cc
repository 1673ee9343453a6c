#include "libs/process/command_line.h"

#include <algorithm>
#include <boost/program_options.hpp>
#include <iterator>
#include <sstream>
#include <string_view>

namespace gatehouse::process {
namespace {

namespace po = boost::program_options;

po::options_description Options() {
  po::options_description options("Options");
  auto add = options.add_options();
  add("help", "print this text");
  add("version", "print the version");
  add("check-config", "check the configuration, report everything that is wrong with it, and exit");
  add("with-config", po::value<std::string>(), "the configuration file (YAML)");
  add("port", po::value<std::string>(), "port of the REST interface (3567)");
  add("host", po::value<std::string>(), "address of the REST interface (localhost)");
  add("data-dir", po::value<std::string>(), "directory of the embedded PostgreSQL's data (default: /var/lib/gatehouse for root, "
      "else ~/.local/share/gatehouse)");
  add("out", po::value<std::string>(), "issue-certificate: the directory to write to");
  add("name", po::value<std::string>(), "issue-certificate: the name to certify (client)");
  add("ephemeral", "embedded PostgreSQL in a temporary directory, removed at the end");
  add("mend", "check-users: repair what is found");
  add("url", po::value<std::string>(),
      "health: URL to query (the admin port's /readyz, as configured)");
  add("test-mode", "lift limits for test suites; refused with what looks like production");
  add("foreground", "of the original; start never leaves the foreground");
  add("with-space", po::value<std::string>(), "of the original, for its virtual machine; ignored");
  add("with-temp-dir", po::value<std::string>(),
      "directory for temporary files (default: $TMPDIR, or /tmp)");
  return options;
}

}  // namespace

std::string HelpText(const std::string& program) {
  std::ostringstream text;
  text << "Usage: " << program
       << " [command] [options]\n\nCommands\n"
       << "  start              serve until SIGTERM (the default)\n"
       << "  migrate            bring the database's tables up to date\n"
       << "  config             print the configuration in effect, and where each value comes from\n"
       << "  health             ask a running process whether it is ready; exit status 0 if so\n"
       << "  check-users        list users that an interrupted attempt left incomplete\n"
       << "  issue-certificate  write a gRPC client's certificate, made from "
       << "gatehouse_internal_secret\n"
       << "  version            print the version\n\n"
       << Options() << "\nEvery setting can be given in the configuration file or the environment:"
       << " docs/configuration.md lists them.\n";
  return text.str();
}

absl::StatusOr<CommandLine> ParseCommandLine(const std::vector<std::string>& arguments) {
  po::options_description all = Options();
  all.add_options()("command", po::value<std::string>());
  po::positional_options_description positional;
  positional.add("command", 1);
  po::variables_map values;
  try {
    po::store(po::command_line_parser(arguments).options(all).positional(positional).run(),
              values);
  } catch (const po::error& e) {
    return absl::InvalidArgumentError(e.what());
  }
  CommandLine line;
  if (values.count("command")) line.command = values["command"].as<std::string>();
  constexpr std::string_view kCommands[] = {"start",  "migrate",     "config",
                                            "health", "check-users", "issue-certificate",
                                            "version"};
  if (std::find(std::begin(kCommands), std::end(kCommands), line.command) == std::end(kCommands)) {
    return absl::InvalidArgumentError("unknown command '" + line.command + "'");
  }
  line.help = values.count("help") > 0;
  line.version = values.count("version") > 0;
  line.mend = values.count("mend") > 0;
  if (line.mend && line.command != "check-users") {
    return absl::InvalidArgumentError("--mend is for check-users");
  }
  line.check_config = values.count("check-config") > 0;
  if (values.count("out")) line.out = values["out"].as<std::string>();
  if (values.count("url")) line.url = values["url"].as<std::string>();
  if (values.count("name")) line.name = values["name"].as<std::string>();
  if (values.count("with-temp-dir")) line.temp_dir = values["with-temp-dir"].as<std::string>();
  if (values.count("with-config")) line.config_path = values["with-config"].as<std::string>();
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
